"""The reliability diagram: is a score of 0.8 right for 8 of 10 items?"""

from typing import TYPE_CHECKING

import numpy as np

from diascope.evaluation.labelled_scores import Booleans, Floats, LabelledScores
from diascope.evaluation.library_metrics import CALIBRATION_BINS, bins_of
from diascope.evaluation.style import (
    ACCENT,
    MUTED,
    legend_beside,
    line_style,
    new_figure,
    wrap_label,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MIN_ITEMS = 5  # of a bin that is drawn
_LINES = 18  # of a legend's column
_EDGES = np.linspace(0, 1, CALIBRATION_BINS + 1)


def draw_reliability(scored: LabelledScores) -> "Figure":
    """Draw how often scores are right, and below it a histogram of the scores.

    Multiclass: the highest score. Binary: the positive label's score. Multilabel: each label's.
    """
    figure = new_figure(6.2 if scored.task == "multilabel" else 4.8, 4.9)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    upper.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
    confidences = scored.confidences()
    for number, (name, (_, confidence, correct)) in enumerate(confidences.items()):
        x, y = _binned(confidence, correct)
        upper.plot(x, y, marker="o", markersize=4, label=wrap_label(name), **line_style(number))
    values = np.concatenate([confidence for _, confidence, _ in confidences.values()])
    lower.hist(values, bins=_EDGES.tolist(), color=ACCENT, alpha=0.55)
    upper.set(xlim=(0, 1), ylim=(0, 1.01), ylabel="Fraction that is right")
    lower.set(xlabel="Score", ylabel="Scores" if scored.task == "multilabel" else "Items")
    lower.grid(visible=False)
    if scored.task == "multilabel":
        legend_beside(figure, upper, _LINES)
    return figure


def _binned(confidence: Floats, correct: Booleans) -> tuple[Floats, Floats]:
    """Return the mean score and the fraction that is right of each bin with enough items."""
    bins = bins_of(confidence)
    counts = np.bincount(bins, minlength=CALIBRATION_BINS)
    drawn = counts >= _MIN_ITEMS
    sums = [np.bincount(bins, values, CALIBRATION_BINS) for values in (confidence, correct)]
    x, y = (total[drawn] / counts[drawn] for total in sums)
    return x, y
