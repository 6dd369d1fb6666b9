"""How figures look: our colours, on a transparent ground, as PNG and as SVG.

The page replaces the colours of ``CSS`` by its own variables: figures follow light and dark.
"""

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, LINE, ACCENT, SURFACE = "#16212b", "#55636f", "#dbe1e6", "#0a6a72", "#ffffff"
SERIES = ("#0b6b73", "#c2571a", "#4c5fb8", "#8a4f9e", "#4d7c2a", "#a8324a", "#8a6d00", "#5d6b76")
CSS = {INK: "--ink", MUTED: "--muted", LINE: "--line", ACCENT: "--accent", SURFACE: "--surface"}
CSS |= {colour: f"--series-{number}" for number, colour in enumerate(SERIES, 1)}

_DPI, _PIXELS = 160, 100_000_000
"""Of a PNG file: dots an inch, fewer where it would have more pixels, of four bytes in memory."""
_PLOT, _STROKE, _LETTER = 4.8, 0.6, 0.082
"""Inches of a plot, and in a legend beside it of a column without its letters and of a letter."""
_DASHES = ("solid", (0, (5, 2)), (0, (1, 1.5)))
_FIRST_DASHES = (0, 1, 0, 2, 2, 0, 0, 1)
"""Of each colour: those that look alike to the colour blind differ in their dashes."""
_SETTINGS = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a label is one
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "svg.fonttype": "none",
    "savefig.facecolor": "none",
}


def new_figure(width: float, height: float) -> "Figure":
    """Return an empty figure of that many inches, whose parts make room for each other."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def line_style(number: int) -> dict[str, Any]:
    """Return colour and dashes of the n-th of many lines; no two of the first 24 look alike."""
    turn, colour = divmod(number, len(SERIES))
    dashes = _DASHES[(_FIRST_DASHES[colour] + turn) % len(_DASHES)]
    return {"color": SERIES[colour], "linestyle": dashes}


def legend_beside(figure: "Figure", axes: "Axes", lines: int) -> None:
    """Name the curves beside their plot, in as many columns as they need; the figure grows by them.

    Args:
        lines: how many fit below each other.
    """
    # matplotlib names what nobody named, and leaves out what begins with _ unless it is given
    curves = [line for line in axes.get_lines() if not str(line.get_label()).startswith("_child")]
    names = [str(curve.get_label()) for curve in curves]
    if not names:
        return
    each, columns = [name.count("\n") + 1 for name in names], 1
    while columns < len(names) and _longest_column(each, columns) > lines:
        columns += 1
    longest = max(len(line) for name in names for line in name.split("\n"))
    figure.set_figwidth(_PLOT + columns * (_STROKE + _LETTER * longest))
    axes.set_anchor("W")
    axes.legend(curves, names, loc="center left", bbox_to_anchor=(1.02, 0.5), ncols=columns)


def _longest_column(lines: list[int], columns: int) -> int:
    """Return how many lines the longest of so many columns has, shared out as a legend does."""
    return max(int(part.sum()) for part in np.array_split(lines, columns))


def figure_settings(name: str) -> dict[str, Any]:
    """Return matplotlib's settings for a figure; the same figure gets the same ids every time."""
    return _SETTINGS | {"svg.hashsalt": name}


def save_figure(figure: "Figure", path: Path) -> list[Path]:
    """Write ``path.png``, on white, and ``path.svg``, on nothing; return both."""
    files = [path.with_suffix(".png"), path.with_suffix(".svg")]
    width, height = figure.get_size_inches()
    dpi = min(_DPI, (_PIXELS / (width * height)) ** 0.5)
    figure.savefig(files[0], dpi=dpi, facecolor=SURFACE)
    figure.savefig(files[1], metadata={"Date": None})
    return files


def inline_svg(svg: str) -> str:
    """Return an SVG file's drawing as it stands in the page, in the page's colours."""
    drawing = svg[svg.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>\s*", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r'<g id="[^"]*"', "<g", drawing)  # ids that would repeat from figure to figure
    drawing = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", drawing, count=1)
    drawing = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", drawing, count=1)
    for colour, variable in CSS.items():
        drawing = drawing.replace(colour, f"var({variable})")
    return drawing


def wrap_label(name: str, width: int = 22) -> str:
    """Return a label's name in lines of at most ``width`` letters, for a figure."""
    return textwrap.fill(name, width)
