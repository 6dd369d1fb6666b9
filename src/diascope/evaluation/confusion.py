"""The confusion matrix, as a table of shaded cells."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diascope.evaluation.labelled_scores import Floats, LabelledScores
from diascope.evaluation.style import ACCENT, INK, LINE, new_figure, wrap_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MIN_LETTERS, _MAX_LETTERS = 11, 22  # per line of a column's name, depending on its longest word
_MAX_FULL = 20  # with more labels, cells without items stay empty: drawing them takes minutes
_MAX_OPACITY = 0.45  # of a fraction of 1: text stays readable on it, in light and dark mode


def draw_confusion(scored: LabelledScores) -> "Figure":
    """Draw truth by answer; for multilabel, each label's true and false positives and negatives."""
    if scored.task == "multilabel":
        return _draw_each_label(scored)
    counts = _counts(scored)
    figure, axes = _grid(list(scored.names), list(scored.names))
    _draw_cells(axes, counts, _row_fractions(counts))
    axes.set(xlabel="Answer", ylabel="Truth")
    return figure


def _draw_each_label(scored: LabelledScores) -> "Figure":
    truth, known = scored.targets == 1, ~np.isnan(scored.targets)
    kinds = [truth & scored.predicted, truth & ~scored.predicted]
    kinds += [known & ~truth & scored.predicted, known & ~truth & ~scored.predicted]
    counts = np.stack([kind.sum(axis=0) for kind in kinds], axis=1)
    sides = ["present, found", "present, missed", "absent, false alarm", "absent, cleared"]
    figure, axes = _grid(list(scored.names), sides)
    halves = [_row_fractions(counts[:, :2]), _row_fractions(counts[:, 2:])]
    _draw_cells(axes, counts, np.concatenate(halves, axis=1))
    return figure


def _counts(scored: LabelledScores) -> NDArray[np.intp]:
    """Return ``(L, L)`` counts of items, truth by answer."""
    from sklearn.metrics import confusion_matrix

    known = scored.complete
    truth, answer = scored.targets[known].argmax(axis=1), scored.predicted[known].argmax(axis=1)
    counts: NDArray[np.intp] = confusion_matrix(truth, answer, labels=range(len(scored.names)))
    return counts


def _row_fractions(counts: NDArray[np.intp]) -> Floats:
    """Return each row divided by its sum, NaN in a row without items."""
    sums = counts.sum(axis=1, keepdims=True)
    return counts / np.where(sums, sums, np.nan)


def _grid(rows: list[str], columns: list[str]) -> "tuple[Figure, Axes]":
    words = [len(word) for name in columns for word in name.replace("-", "- ").split()]
    letters = min(_MAX_LETTERS, max([_MIN_LETTERS, *words]))
    beside = min(_MAX_LETTERS, max(map(len, rows)))
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


def _draw_cells(axes: "Axes", counts: NDArray[np.intp], fractions: Floats) -> None:
    from matplotlib.patches import Rectangle

    for (row, column), fraction in np.ndenumerate(fractions):
        if min(fractions.shape) > _MAX_FULL and not counts[row, column]:
            continue
        corner = (column - 0.48, row - 0.47)
        axes.add_patch(Rectangle(corner, 0.96, 0.94, facecolor=LINE, alpha=0.35, linewidth=0))
        alpha = _MAX_OPACITY * float(np.nan_to_num(fraction))
        axes.add_patch(Rectangle(corner, 0.96, 0.94, facecolor=ACCENT, alpha=alpha, linewidth=0))
        text: dict[str, Any] = {"color": INK, "ha": "center", "va": "center"}
        percent = "–" if np.isnan(fraction) else f"{fraction:.0%}"  # noqa: RUF001
        axes.text(column, row - 0.14, percent, fontsize=10, fontweight="bold", **text)
        axes.text(column, row + 0.22, f"{counts[row, column]:,}", fontsize=8, **text)
