"""Small pieces of the page. Every text becomes text: no name of an item or a label is markup."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

Number = Mapping[str, float]


def element(tag: str, *children: str, text: object = "", **attributes: str) -> str:
    """Return an element; ``text`` is escaped, ``children`` are markup already."""
    named = "".join(f' {name.rstrip("_")}="{escape(value)}"' for name, value in attributes.items())
    return f"<{tag}{named}>{escape(str(text))}{''.join(children)}</{tag}>"


def counted(number: int, noun: str) -> str:
    """Return such as ``1 item`` or ``1,431 items``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def panel(*children: str) -> str:
    return element("div", *children, class_="panel")


def note(text: str) -> str:
    return element("p", text=text, class_="muted small")


def section(title: str, *children: str) -> str:
    return element("section", element("h2", text=title), *children)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "") -> str:
    """Return a table of cells that are markup; the first of a row names it."""
    parts = [element("caption", text=caption)] if caption else []
    names = (element("th", text=name, scope="col") for name in head)
    parts.append(element("thead", element("tr", *names)))
    parts.append(element("tbody", *(element("tr", *row) for row in rows)))
    return element("table", *parts)


def name_cell(text: str) -> str:
    return element("th", text=text, scope="row")


def number_cell(number: Number | None) -> str:
    """Return a cell with a value and, below it, its interval."""
    if number is None:
        return element("td", text="not defined", class_="muted")
    value, interval = texts(number)
    return element(
        "td", element("span", text=value), element("span", text=interval, class_="interval")
    )


def texts(number: Number) -> tuple[str, str]:
    """Return a value and its 95 % interval as text."""
    return f"{number['value']:.3f}", f"{number['low']:.3f} to {number['high']:.3f}"


def whisker(number: Number) -> str:
    """Return the interval drawn on an axis from 0 to 1; nothing for what leaves the axis."""
    if number["high"] > 1:
        return ""
    places = "; ".join(f"--{name}: {number[name]:.4f}" for name in ("value", "low", "high"))
    return element("span", style=places, class_="whisker")


def facts(pairs: Mapping[str, object]) -> str:
    """Return names and values as a list."""
    lines = (
        element("div", element("dt", text=name), element("dd", text=value))
        for name, value in pairs.items()
    )
    return element("dl", *lines, class_="facts")
