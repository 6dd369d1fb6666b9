"""From a template, scripts and numbers to a page that runs these scripts and no others."""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from diascope.pages.render import render


def scripted(template: str, scripts: Sequence[str], *, numbers: Any = None, **values: Any) -> str:
    """Return a page with the scripts of ``diascope.pages`` that are named.

    Args:
        numbers: what the scripts read, as JSON.
    """
    script = "".join(map(_asset, scripts))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return render(
        template,
        own_style=_asset("explain.css"),
        script=script,
        script_digest=digest,
        numbers=_json(numbers),
        **values,
    )


def _asset(name: str) -> str:
    return files("diascope.pages").joinpath(name).read_text("utf-8")


def _json(value: Any) -> str:
    """Return JSON without any character that means something in HTML."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
