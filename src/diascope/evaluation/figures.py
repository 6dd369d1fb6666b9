"""The figures of an evaluation, in reading order, with their captions."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from diascope.evaluation.confusion import draw_confusion
from diascope.evaluation.curves import draw_decision_curve, draw_precision_recall, draw_roc
from diascope.evaluation.labelled_scores import LabelledScores
from diascope.evaluation.reliability import draw_reliability
from diascope.evaluation.style import figure_settings, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """One kind of figure.

    Attributes:
        name: of its files, without suffix.
        caption: how to read it.
    """

    name: str
    title: str
    caption: str
    draw: "Callable[[LabelledScores], Figure]"


DRAWINGS = (
    Drawing(
        "confusion",
        "Confusion matrix",
        "Each row is a true label and adds up to 100 % if any item has it. If an item may have "
        "several labels, each row is one label, and items with and without it are counted "
        "separately. The number of items is below each percentage; with more than 20 labels, cells "
        "without items are left empty.",
        draw_confusion,
    ),
    Drawing(
        "roc",
        "ROC curve",
        "Sensitivity and false positive rate at every threshold. The number is the area under the "
        "curve; the dot is the operating point, the labels as decided.",
        draw_roc,
    ),
    Drawing(
        "precision-recall",
        "Precision and recall",
        "Better suited to rare labels: precision is the fraction of positive answers that are "
        "right. The number is the average precision.",
        draw_precision_recall,
    ),
    Drawing(
        "reliability",
        "Reliability",
        "How often the top label is right, by its score; if each label is decided on its own, how "
        "often items have the label, by its score. On the diagonal, scores are probabilities. Bins "
        "of fewer than 5 items are left out.",
        draw_reliability,
    ),
    Drawing(
        "decision",
        "Decision curve",
        "Net benefit: true positives per item, minus false positives per item times the odds of "
        "the threshold (Vickers and Elkin 2006). A model is useful where its line is the highest; "
        "scores that are not probabilities make it look worse than it is at its best threshold.",
        draw_decision_curve,
    ),
)


def draw_figures(scored: LabelledScores, folder: Path) -> list[Path]:
    """Write every figure into a folder, as PNG and as SVG; return the files."""
    import matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    with _warn_once_of_missing_glyphs():
        for drawing in DRAWINGS:
            with matplotlib.rc_context(figure_settings(drawing.name)):
                files += save_figure(drawing.draw(scored), folder / drawing.name)
    return files


@contextmanager
def _warn_once_of_missing_glyphs() -> Iterator[None]:
    """Warn once about glyphs that the font lacks, instead of matplotlib's many warnings for each.

    SVG files keep the labels as text, which is shown in a font of the reader's machine.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    missing = [each for each in caught if "missing from font" in str(each.message)]
    for each in caught:
        if each not in missing:
            warnings.warn(each.message, each.category, stacklevel=3)
    if missing:
        warnings.warn(
            "the font of the figures lacks some letters of the labels: PNG files show boxes in "
            "their place; SVG files and the page show them",
            stacklevel=3,
        )
