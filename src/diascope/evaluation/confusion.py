"""What is confused with what, as a table of shaded cells."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diascope.evaluation.labelled_scores import Floats, Scored
from diascope.evaluation.style import ACCENT, INK, LINE, new_figure, wrap_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NARROW, _WIDE = 11, 22  # letters in a line of a name below a column; longer words make it wider
_MANY = 20  # labels; of more, cells without items stay empty: they would take minutes
_STRONGEST = 0.45  # opacity of a share of 1: ink, dark or light, stays readable on it


def draw_confusion(scored: Scored) -> "Figure":
    """Draw truth by answer; with multilabel, of each label what was found and what was raised."""
    if scored.task == "multilabel":
        return _each_label(scored)
    counts = _counts(scored)
    figure, axes = _grid(list(scored.names), list(scored.names))
    _draw_cells(axes, counts, _row_fractions(counts))
    axes.set(xlabel="Answer", ylabel="Truth")
    return figure


def _each_label(scored: Scored) -> "Figure":
    truth, known = scored.targets == 1, ~np.isnan(scored.targets)
    kinds = [truth & scored.predicted, truth & ~scored.predicted]
    kinds += [known & ~truth & scored.predicted, known & ~truth & ~scored.predicted]
    counts = np.stack([kind.sum(axis=0) for kind in kinds], axis=1)
    sides = ["present, found", "present, missed", "absent, false alarm", "absent, cleared"]
    figure, axes = _grid(list(scored.names), sides)
    shares = np.concatenate([_row_fractions(counts[:, :2]), _row_fractions(counts[:, 2:])], axis=1)
    _draw_cells(axes, counts, shares)
    return figure


def _counts(scored: Scored) -> NDArray[np.intp]:
    """Return ``(L, L)`` numbers of items, truth by answer."""
    from sklearn.metrics import confusion_matrix

    known = scored.complete
    truth, answer = scored.targets[known].argmax(axis=1), scored.predicted[known].argmax(axis=1)
    counts: NDArray[np.intp] = confusion_matrix(truth, answer, labels=range(len(scored.names)))
    return counts


def _row_fractions(counts: NDArray[np.intp]) -> Floats:
    """Return each row's shares of its sum, NaN in a row without items."""
    sums = counts.sum(axis=1, keepdims=True)
    return counts / np.where(sums, sums, np.nan)


def _grid(rows: list[str], columns: list[str]) -> "tuple[Figure, Axes]":
    words = [len(word) for name in columns for word in name.replace("-", "- ").split()]
    letters, beside = min(_WIDE, max([_NARROW, *words])), min(_WIDE, max(map(len, rows)))
    width = max(1.2, 0.6 + 0.085 * beside) + 0.085 * letters * len(columns)
    figure = new_figure(max(4.4, width), max(3.2, 1.1 + 0.66 * len(rows)))
    axes = figure.subplots()
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_yticks(range(len(rows)), [wrap_label(name) for name in rows])
    axes.set_xticks(range(len(columns)), [wrap_label(name, letters) for name in columns])
    axes.tick_params(length=0, labelcolor=INK)
    return figure, axes


def _draw_cells(axes: "Axes", counts: NDArray[np.intp], shares: Floats) -> None:
    from matplotlib.patches import Rectangle

    for (row, column), share in np.ndenumerate(shares):
        if min(shares.shape) > _MANY and not counts[row, column]:
            continue
        corner = (column - 0.48, row - 0.47)
        axes.add_patch(Rectangle(corner, 0.96, 0.94, facecolor=LINE, alpha=0.35, linewidth=0))
        alpha = _STRONGEST * float(np.nan_to_num(share))
        axes.add_patch(Rectangle(corner, 0.96, 0.94, facecolor=ACCENT, alpha=alpha, linewidth=0))
        text: dict[str, Any] = {"color": INK, "ha": "center", "va": "center"}
        told = "–" if np.isnan(share) else f"{share:.0%}"  # noqa: RUF001
        axes.text(column, row - 0.14, told, fontsize=10, fontweight="bold", **text)
        axes.text(column, row + 0.22, f"{counts[row, column]:,}", fontsize=8, **text)
