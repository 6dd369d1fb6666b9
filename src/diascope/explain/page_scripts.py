"""Render a page that runs the given scripts and, by its policy, no others."""

from collections.abc import Sequence
from typing import Any

from diascope.pages.render import csp_hash, json_text, read_asset, render


def render_with_scripts(
    template: str, scripts: Sequence[str], *, numbers: Any = None, **values: Any
) -> str:
    """Return a page with scripts of ``diascope.pages``.

    Args:
        numbers: the data of the scripts, embedded as JSON.
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
