"""The style of figures, and how they are written as PNG and SVG.

Pages replace the colours in ``CSS`` by their own variables, so that figures follow light and dark
mode.
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
_SERIES = ("#0b6b73", "#c2571a", "#4c5fb8", "#8a4f9e", "#4d7c2a", "#a8324a", "#8a6d00", "#5d6b76")
CSS = {INK: "--ink", MUTED: "--muted", LINE: "--line", ACCENT: "--accent", SURFACE: "--surface"}
CSS |= {colour: f"--series-{number}" for number, colour in enumerate(_SERIES, 1)}

_DPI, _PIXELS = 160, 100_000_000
"""Resolution of a PNG file in dots per inch, and its largest number of pixels (4 bytes each)."""
_PLOT, _STROKE, _LETTER = 4.8, 0.6, 0.082
"""Width in inches of a plot, of a legend's column without its text, and of a letter in it."""
_DASHES = ("solid", (0, (5, 2)), (0, (1, 1.5)))
_FIRST_DASHES = (0, 1, 0, 2, 2, 0, 0, 1)
"""The first dashes of each colour: colours that the colour-blind confuse start differently."""
_SETTINGS = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "text.parse_math": False,  # labels may contain dollar signs
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
    """Return an empty figure of a size in inches, with constrained layout."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def line_style(number: int) -> dict[str, Any]:
    """Return colour and dashes of the n-th line; the first 24 are all different."""
    turn, colour = divmod(number, len(_SERIES))
    dashes = _DASHES[(_FIRST_DASHES[colour] + turn) % len(_DASHES)]
    return {"color": _SERIES[colour], "linestyle": dashes}


def legend_beside(figure: "Figure", axes: "Axes", lines: int) -> None:
    """Draw a legend beside a plot, in as many columns as it needs, and widen the figure for it.

    Args:
        lines: the most lines in one column.
    """
    # matplotlib names unnamed lines _child..., and omits names that begin with _ unless given
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
    """Return the lines in the longest of ``columns`` columns, filled as a legend fills them."""
    return max(int(part.sum()) for part in np.array_split(lines, columns))


def figure_settings(name: str) -> dict[str, Any]:
    """Return matplotlib's settings for a figure; the salt makes its SVG ids reproducible."""
    return _SETTINGS | {"svg.hashsalt": name}


def save_figure(figure: "Figure", path: Path) -> list[Path]:
    """Write ``path.png`` on white and ``path.svg`` on a transparent ground; return both paths."""
    files = [path.with_suffix(".png"), path.with_suffix(".svg")]
    width, height = figure.get_size_inches()
    dpi = min(_DPI, (_PIXELS / (width * height)) ** 0.5)
    figure.savefig(files[0], dpi=dpi, facecolor=SURFACE)
    figure.set_layout_engine("none")  # the same for both, and as slow as drawing
    figure.savefig(files[1], metadata={"Date": None})
    return files


def inline_svg(svg: str) -> str:
    """Return an SVG file's ``<svg>`` element for a page, with the page's colours."""
    drawing = svg[svg.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>\s*", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r'<g id="[^"]*"', "<g", drawing)  # several figures have the same ids
    drawing = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", drawing, count=1)
    drawing = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", drawing, count=1)
    for colour, variable in CSS.items():
        drawing = drawing.replace(colour, f"var({variable})")
    return drawing


def wrap_label(name: str, width: int = 22) -> str:
    """Return a label's name wrapped to lines of at most ``width`` letters."""
    return textwrap.fill(name, width)
