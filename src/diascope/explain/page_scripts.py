"""From a template, scripts and numbers to a page that runs these scripts and no others."""

from collections.abc import Sequence
from typing import Any

from diascope.pages.render import csp_hash, json_text, read_asset, render


def scripted(template: str, scripts: Sequence[str], *, numbers: Any = None, **values: Any) -> str:
    """Return a page with the scripts of ``diascope.pages`` that are named.

    Args:
        numbers: what the scripts read, as JSON.
    """
    script = "".join(map(read_asset, scripts))
    return render(
        template,
        own_style=read_asset("explain.css"),
        script=script,
        script_source=csp_hash(script),
        numbers=json_text(numbers),
        **values,
    )
