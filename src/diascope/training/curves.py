"""Learning curves: losses, validation metrics and learning rate of every epoch."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from diascope.evaluation.style import (
    LINE,
    MUTED,
    SURFACE,
    figure_settings,
    line_style,
    new_figure,
    save_figure,
)
from diascope.pages.measures import format_title
from diascope.training.scoring import Figures, merit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CURVES = "learning-curves"
_EPOCH, _RATE = "epoch", "learning_rate"
_LOSSES = {"loss": "Training", "validation_loss": "Validation"}
_SIZE = 11.6, 3.6  # inches


def best_epoch(history: Sequence[Figures], monitor: str) -> int:
    """Return the number of the best epoch by ``monitor``; the last one of a tie."""
    return max(range(len(history)), key=lambda place: (merit(history[place], monitor), place)) + 1


def draw_curves(history: Sequence[Figures], best: int, folder: Path) -> list[Path]:
    """Write the curves as ``learning-curves.png`` and ``.svg``; return both.

    Args:
        history: for each epoch its number, ``loss``, and any other metrics. Those named
            ``..._loss`` are drawn in the loss panel, those in [0, 1] in the validation panel.
        best: number of the epoch whose weights are kept.
    """
    import matplotlib

    panels = [(title, names) for title, names in _panels(history) if names]
    with matplotlib.rc_context(figure_settings(_CURVES)):
        figure = new_figure(*_SIZE)
        for axes, (title, names) in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
        ):
            axes.set(title=title, xlabel="Epoch")
            _draw_lines(axes, history, names)
            _mark_best(axes, best, len(history))
        return save_figure(figure, folder / _CURVES)


def _panels(history: Sequence[Figures]) -> Iterable[tuple[str, list[str]]]:
    names = dict.fromkeys(name for row in history for name in row)
    losses = [name for name in names if name == "loss" or name.endswith("_loss")]
    shares = [
        name
        for name in names
        if name not in (_EPOCH, _RATE, *losses)
        and all(0 <= figure <= 1 for row in history if (figure := row.get(name)) is not None)
    ]
    yield "Loss", losses
    yield "Validation", shares
    yield "Learning rate", [name for name in names if name == _RATE]


def _draw_lines(axes: "Axes", history: Sequence[Figures], names: Sequence[str]) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = range(1, len(history) + 1)
    marker = "o" if len(history) == 1 else None
    for number, name in enumerate(names):
        figures = [math.nan if (figure := row.get(name)) is None else figure for row in history]
        label = _LOSSES.get(name) or format_title(name)
        axes.plot(epochs, figures, label=label, marker=marker, **line_style(number))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if names != [_RATE]:
        axes.legend(frameon=True, facecolor=SURFACE, edgecolor="none", framealpha=1)


def _mark_best(axes: "Axes", best: int, epochs: int) -> None:
    """Mark the epoch whose weights are kept, with the text on the side that has more room."""
    late = 2 * best > epochs + 1
    axes.axvline(best, color=MUTED, linewidth=1, linestyle=(0, (3, 3)), zorder=0)
    axes.annotate(
        f"kept: {best}",
        (best, 0),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if late else 3, 3),
        textcoords="offset points",
        ha="right" if late else "left",
        color=MUTED,
        fontsize=8.5,
    )
    axes.grid(visible=True, axis="y", color=LINE)
    axes.grid(visible=False, axis="x")
