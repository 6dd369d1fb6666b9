"""Draw a slide and the heat map of one label with matplotlib."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from diascope.display_text import replace_undecodable
from diascope.pages.heat import viridis_colours
from diascope_slides.reports.answers import Answer, CardLabel
from diascope_slides.reports.proportions import stretched
from diascope_slides.reports.scale_bar import scale_bar

_INCHES, _DPI = 7.0, 200  # of the slide's longer side: fits on a page, sharp when enlarged
_MIN_ASPECT = 0.35  # of the drawing, so that text has room beside a narrow slide
_INK, _MUTED = "#16212b", "#55636f"
_HALO = [withStroke(linewidth=3, foreground="white")]
_ID_LENGTH = 60  # characters of an item's name
_CHARACTERS_PER_INCH, _LINE = 14, 0.16  # of a warning; height of its lines in inches


def draw(path: Path, answer: Answer, label: str, described: CardLabel, opacity: float) -> None:
    """Write a PNG of at most about 1,700 pixels on the longer side."""
    height, width = answer.overview.mask.shape
    high, wide = stretched((height, width), answer.overview)
    aspect = [max(_MIN_ASPECT, side / max(high, wide)) for side in (wide, high)]
    figure_width = _INCHES * aspect[0] + 1.1
    caveats = _wrap(answer.caveats, int(figure_width * _CHARACTERS_PER_INCH))
    figure_height = _INCHES * aspect[1] + 0.6 + _LINE * len(caveats)
    figure = Figure(figsize=(figure_width, figure_height), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    axes.imshow(_pale_grey(answer))
    cells = answer.heat(label, (height, width), answer.overview.size)
    norm = Normalize(*answer.limits(label))
    mapped = ScalarMappable(norm, ListedColormap(viridis_colours() / 255))
    axes.imshow(np.ma.masked_invalid(cells), mapped.cmap, norm, alpha=opacity, interpolation="none")
    axes.set_aspect((high / height) / (wide / width))
    if answer.overview.mask.any() and not answer.overview.mask.all():
        axes.contour(answer.overview.mask, [0.5], colors=_INK, linewidths=0.5)
    _draw_scale_bar(axes, answer)
    axes.set_title(
        described.title, loc="left", fontsize=12, fontweight="bold", color=_INK, pad=20,
        parse_math=False,
    )  # fmt: skip
    axes.annotate(
        _shorten(answer.prediction.item.id), (0, 1), (0, 7), "axes fraction", "offset points",
        fontsize=8, color=_MUTED, annotation_clip=False, parse_math=False,
    )  # fmt: skip
    bar = figure.colorbar(mapped, ax=axes, shrink=0.6, aspect=24, pad=0.03)
    _label_colour_bar(bar, answer.prediction.score_kind, described.point)
    if caveats:
        figure.supxlabel("\n".join(caveats), fontsize=8, color=_INK, parse_math=False)
    figure.savefig(path, dpi=_DPI, facecolor="white", metadata={"Software": None})


def _pale_grey(answer: Answer) -> Any:
    """Return the overview in pale grey, so that only the scores are coloured."""
    grey = answer.overview.picture.mean(axis=2, keepdims=True) / 255
    return np.repeat(0.25 + 0.75 * grey, 3, axis=2)


def _draw_scale_bar(axes: Axes, answer: Answer) -> None:
    height, width = answer.overview.mask.shape
    spacing = answer.overview.spacing_mm
    bar = scale_bar(answer.overview.size[1], spacing[1] if spacing else None)
    length = bar.pixels * width / answer.overview.size[1]
    left, bottom = 0.03 * width, height - 0.03 * max(height, width)
    line = [left, left + length]
    axes.plot(line, [bottom, bottom], color=_INK, linewidth=2.5, path_effects=_HALO)
    axes.annotate(
        bar.text, (left, bottom), (0, 5), textcoords="offset points", fontsize=9, color=_INK,
        path_effects=_HALO,
    )  # fmt: skip


def _label_colour_bar(bar: Colorbar, kind: str, point: float | None) -> None:
    """Label the colour bar, and mark the operating point if there is one."""
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, colors=_MUTED)
    suffix = "" if kind == "share" else f" ({kind})"  # only the slide's score is a share
    bar.set_label(f"score of each tile{suffix}", fontsize=9, color=_MUTED)
    if point is not None and kind != "logit":
        bar.ax.axhline(point, color="white", linewidth=3)
        bar.ax.axhline(point, color=_INK, linewidth=1.5)
        bar.ax.annotate(
            f"operating\npoint {point:.3g}", (0, point), (-5, 0), ("axes fraction", "data"),
            "offset points", fontsize=8, color=_INK, ha="right", va="center",
            path_effects=_HALO, annotation_clip=False,
        )  # fmt: skip


def _wrap(texts: Sequence[str], width: int) -> list[str]:
    return [line for text in texts for line in wrap(replace_undecodable(text), width)]


def _shorten(name: str) -> str:
    printable = replace_undecodable(name)
    if len(printable) <= _ID_LENGTH:
        return printable
    return f"\N{HORIZONTAL ELLIPSIS}{printable[1 - _ID_LENGTH :]}"
