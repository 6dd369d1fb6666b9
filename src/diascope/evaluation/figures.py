"""The figures of an evaluation, in reading order, and what each of them says."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from diascope.evaluation.confusion import draw_confusion
from diascope.evaluation.curves import draw_decision_curve, draw_precision_recall, draw_roc
from diascope.evaluation.labelled_scores import Scored
from diascope.evaluation.reliability import draw_reliability
from diascope.evaluation.style import figure_settings, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """One kind of figure: its file's name, its heading, how to read it, and what draws it."""

    name: str
    title: str
    caption: str
    draw: "Callable[[Scored], Figure]"


DRAWINGS = (
    Drawing(
        "confusion",
        "Confusion matrix",
        "Each row is a truth and adds up to 100 % if any item has it, for each label on its own if "
        "an item may have several; the numbers of items stand below the shares. Of more than 20 "
        "labels, cells without items are left empty.",
        draw_confusion,
    ),
    Drawing(
        "roc",
        "ROC curve",
        "What every threshold would give, with the area under the curve. The dot is the operating "
        "point: the labels as decided.",
        draw_roc,
    ),
    Drawing(
        "precision-recall",
        "Precision and recall",
        "As above for rare labels: precision is the share of answers that are right. The number is "
        "the average precision.",
        draw_precision_recall,
    ),
    Drawing(
        "reliability",
        "Reliability",
        "How often the top label of a score is right; of labels on their own, how often items of "
        "a score have the label. On the diagonal, scores are probabilities; bins of fewer than 5 "
        "items are left out.",
        draw_reliability,
    ),
    Drawing(
        "decision",
        "Decision curve",
        "Net benefit: right alarms less false alarms, which weigh as the threshold says (Vickers "
        "and Elkin 2006). A model is of use where its line is the highest; scores that are no "
        "probabilities make it look worse than its best threshold.",
        draw_decision_curve,
    ),
)


def draw_figures(scored: Scored, folder: Path) -> list[Path]:
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
    """Warn once of letters that the font of figures has not: matplotlib does of each, twelve times.

    An SVG file keeps them as text, for which the reader's own fonts are there.
    """
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        yield
    lacking = [each for each in heard if "missing from font" in str(each.message)]
    for each in heard:
        if each not in lacking:
            warnings.warn(each.message, each.category, stacklevel=3)
    if lacking:
        warnings.warn(
            "the font of the figures has not all letters of the labels: PNG files show boxes in "
            "their place; SVG files and the page show them",
            stacklevel=3,
        )
