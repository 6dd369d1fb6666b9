"""Render the templates of this folder; ``render`` escapes every value."""

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

from diascope.display_text import plural
from diascope.pages.evidence import evidence_measures, format_map_count
from diascope.pages.formatting import format_decimal, format_number, format_score
from diascope.pages.measures import axis_start, format_title


def render(template: str, **values: Any) -> str:
    """Return a rendered page; a value that the template names must not be missing."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("diascope.pages", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "axis_start": axis_start,
        "words": format_title,
        "number": format_number,
        "figure": format_decimal,
        "score": format_score,
        "plural": plural,
        "map_count": format_map_count,
        "evidence_measures": evidence_measures,
    }
    style = "\n".join(map(read_asset, ("tokens.css", "common.css", "style.css")))
    return environment.get_template(template).render(style=style, **values)


def fill_placeholders(page: str, **texts: str) -> str:
    """Return a page in which each ``{{name}}`` is replaced by its text, without escaping."""
    for name, text in texts.items():
        page = page.replace(f"{{{{{name}}}}}", text)
    return page


def read_asset(name: str) -> str:
    """Return the text of a file in this folder."""
    return files("diascope.pages").joinpath(name).read_text("utf-8")


def json_text(value: Any) -> str:
    """Return JSON that is safe inside HTML, with null for NaN."""
    try:
        text = json.dumps(value, default=str, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json_text(json.loads(json.dumps(value, default=str), parse_constant=lambda _: None))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def json_block(attribute: str, value: Any) -> str:
    """Return a script element that holds JSON."""
    return f'<script type="application/json" {attribute}>{json_text(value)}</script>\n'


def csp_hash(text: str) -> str:
    """Return a script or style's SHA-256 as a source in a Content-Security-Policy."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest())
    return f"'sha256-{digest.decode('ascii')}'"
