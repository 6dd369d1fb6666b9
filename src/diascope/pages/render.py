"""From a template in this folder to a page; whatever is filled in is escaped."""

from importlib.resources import files
from typing import Any

from diascope.pages.evidence import evidence_measures
from diascope.pages.words import counted, number_words, title_words


def render(template: str, **values: Any) -> str:
    """Return a page; a value that the template names and that is missing is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("diascope.pages", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "words": title_words,
        "number": number_words,
        "counted": counted,
        "evidence_measures": evidence_measures,
    }
    style = f"{tokens()}\n{_asset('style.css')}"
    return environment.get_template(template).render(style=style, **values)


def tokens() -> str:
    """Return the style sheet of the colours that all pages share: light, dark and on paper."""
    return _asset("tokens.css")


def _asset(name: str) -> str:
    return files("diascope.pages").joinpath(name).read_text("utf-8")
