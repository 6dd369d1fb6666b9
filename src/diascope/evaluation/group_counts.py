"""On how many groups a figure rests. A bootstrap of few groups is too narrow.

Groups of different sizes count as fewer groups of equal size: Kish 1965, "Survey Sampling".
"""

import numpy as np
from numpy.typing import NDArray

from diascope.evaluation.labelled_scores import Booleans, Floats
from diascope.evaluation.library_metrics import LibraryMetrics

ENOUGH_GROUPS = 30
"""With fewer, intervals and p-values are by Student's t, with one degree of freedom less than there
are groups."""


def effective_groups(groups: NDArray[np.generic]) -> float:
    """Return the number of groups of equal size that would count as much; 0 without items.

    Args:
        groups: ``(N,)``, the group of each item.
    """
    _, sizes = np.unique(groups, return_counts=True)
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(sizes) else 0.0


def label_rows(truth: Booleans, decided: Booleans) -> dict[str, Booleans]:
    """Return the items whose fraction each metric of a label is."""
    return {"sensitivity": truth, "specificity": ~truth, "ppv": decided, "npv": ~decided}


class InverseGroupCounts:
    """The ``Arithmetic`` of one divided by the number of groups that a metric rests on.

    The mean of inverses over labels is the inverse of the harmonic mean of the numbers. A label
    with few groups thus counts most, as it does in the variance of the metrics' mean.

    Args:
        groups: ``(N,)``, the group of each item.
    """

    def __init__(self, groups: NDArray[np.generic]) -> None:
        self._groups = groups

    def label(
        self, known: Booleans, truth: Booleans, scores: Floats, decided: Booleans
    ) -> dict[str, float]:
        each = {
            name: _inverse(self._groups[known][rows])
            for name, rows in label_rows(truth, decided).items()
        }
        rarer = float(np.maximum(each["sensitivity"], each["specificity"]))  # NaN without one kind
        names = LibraryMetrics().label(known, truth, scores, decided)
        return {name: each.get(name, rarer) for name in names}

    def mean(self, known: Booleans, values: Floats) -> float:
        return _inverse(self._groups[known])

    def calibration_error(self, known: Booleans, confidence: Floats, correct: Booleans) -> float:
        return _inverse(self._groups[known])


def _inverse(groups: NDArray[np.generic]) -> float:
    return 1 / effective_groups(groups) if len(groups) else np.nan
