"""Curves over all thresholds: ROC, precision and recall, net benefit."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from diascope.evaluation.labelled_scores import Booleans, Floats, LabelledScores
from diascope.evaluation.library_metrics import LibraryMetrics
from diascope.evaluation.style import (
    INK,
    MUTED,
    SURFACE,
    legend_beside,
    line_style,
    new_figure,
    wrap_label,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANELS = 4  # per row
_LINES = 22  # of a legend's column
_THRESHOLDS = np.linspace(0.01, 0.99, 99)
_DIAGONAL: dict[str, Any] = {"color": MUTED, "linewidth": 1, "linestyle": (0, (2, 3))}


def draw_roc(scored: LabelledScores) -> "Figure":
    """Draw the ROC curve of each label, with its area and operating point."""
    from sklearn.metrics import roc_curve

    figure, axes = _new_square_plot("False positive rate (1 - specificity)", "Sensitivity")
    axes.plot([0, 1], [0, 1], **_DIAGONAL)
    for number, (name, truth, scores, decided) in enumerate(_labels_with_both_classes(scored)):
        found = LibraryMetrics().label(np.ones_like(truth), truth, scores, decided)
        x, y, _ = roc_curve(truth, scores)
        axes.plot(x, y, label=f"{wrap_label(name)}  {found['auc']:.3f}", **line_style(number))
        _mark_operating_point(axes, 1 - found["specificity"], found["sensitivity"], number)
    legend_beside(figure, axes, _LINES)
    return figure


def draw_precision_recall(scored: LabelledScores) -> "Figure":
    """Draw precision by recall of each label, with its average precision and operating point."""
    from sklearn.metrics import precision_recall_curve

    figure, axes = _new_square_plot("Recall (sensitivity)", "Precision (PPV)")
    for number, (name, truth, scores, decided) in enumerate(_labels_with_both_classes(scored)):
        found = LibraryMetrics().label(np.ones_like(truth), truth, scores, decided)
        y, x, _ = precision_recall_curve(truth, scores)
        text = f"{wrap_label(name)}  {found['average_precision']:.3f}"
        axes.plot(x, y, drawstyle="steps-post", label=text, **line_style(number))
        _mark_operating_point(axes, found["sensitivity"], found["ppv"], number)
    legend_beside(figure, axes, _LINES)
    return figure


def draw_decision_curve(scored: LabelledScores) -> "Figure":
    """Draw each label's net benefit by threshold, and for all or no items positive."""
    labels = list(_labels_with_both_classes(scored))
    columns = max(1, min(_PANELS, len(labels)))
    rows = max(1, -(-len(labels) // columns))
    figure = new_figure(max(5.6, 0.6 + 2.5 * columns), max(4.2, 0.8 + 2.2 * rows))
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(labels) :]:
        axes.remove()
    for axes, (name, truth, scores, _) in zip(panels, labels, strict=False):
        model, everyone = net_benefit(truth, scores), net_benefit(truth, np.ones_like(scores))
        axes.plot(_THRESHOLDS, everyone, color=MUTED, linewidth=1.2, label="all positive")
        axes.axhline(0, color=INK, linewidth=1.2, linestyle=(0, (2, 2)), label="none positive")
        axes.plot(_THRESHOLDS, model, label="model", **line_style(0))
        top = max(float(truth.mean()), 0.01)
        axes.set(xlim=(0, 1), ylim=(-0.15 * top, 1.1 * top), title=wrap_label(name))
        axes.locator_params(nbins=4)
    figure.supxlabel("Threshold", fontsize=9.5, color=MUTED)
    figure.supylabel("Net benefit", fontsize=9.5, color=MUTED)
    if labels:
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper right", ncols=3)
    return figure


def net_benefit(truth: Booleans, scores: Floats) -> Floats:
    """Return the net benefit at thresholds 0.01 to 0.99 (Vickers and Elkin 2006).

    That is true positives per item, minus false positives per item times the threshold's odds.
    """
    positive = scores[None, :] >= _THRESHOLDS[:, None]
    true, false = (positive & truth).mean(axis=1), (positive & ~truth).mean(axis=1)
    benefit: Floats = true - false * _THRESHOLDS / (1 - _THRESHOLDS)
    return benefit


def _labels_with_both_classes(
    scored: LabelledScores,
) -> Iterator[tuple[str, Booleans, Floats, Booleans]]:
    """Yield name, truth, scores and decisions of each label with positive and negative items."""
    for name, column in scored.measured.items():
        _, truth, scores, decided = scored.label(column)
        if truth.any() and not truth.all():
            yield name, truth, scores, decided


def _new_square_plot(x: str, y: str) -> "tuple[Figure, Axes]":
    figure = new_figure(6.2, 4.5)
    axes = figure.subplots()
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel=x, ylabel=y, aspect="equal")
    return figure, axes


def _mark_operating_point(axes: "Axes", x: float, y: float, number: int) -> None:
    colour = line_style(number)["color"]
    axes.plot(x, y, "o", color=colour, markersize=7, markeredgecolor=SURFACE, zorder=3)
