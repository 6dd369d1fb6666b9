"""From a template, scripts and numbers to a page that runs these scripts and no others."""

from collections.abc import Sequence
from typing import Any

from diascope.pages.render import asset, json_text, render, source_of


def scripted(template: str, scripts: Sequence[str], *, numbers: Any = None, **values: Any) -> str:
    """Return a page with the scripts of ``diascope.pages`` that are named.

    Args:
        numbers: what the scripts read, as JSON.
    """
    script = "".join(map(asset, scripts))
    return render(
        template,
        own_style=asset("explain.css"),
        script=script,
        script_source=source_of(script),
        numbers=json_text(numbers),
        **values,
    )
