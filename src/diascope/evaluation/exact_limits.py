"""Exact confidence limits for fractions of 0 or 1, where a bootstrap gives no interval.

If all of 13 patients were found, every bootstrap draw finds all, as if none could ever be missed.
Such fractions get the limits of Clopper and Pearson 1934, "The Use of Confidence or Fiducial Limits
Illustrated in the Case of the Binomial", with the number of groups as the number of trials, counted
as in ``group_counts``. For an AUC of 0 or 1, and for an average precision or a sensitivity at a
specificity of 0.80, that number is the number of groups of the rarer class, as if each gave one
independent pair. A balanced accuracy combines the margins of its parts with its own bootstrap
interval: Zou and Donner 2008, "Construction of Confidence Limits about Effect Measures: A General
Approach". If all decisions are right, Brier score and calibration error may be larger by the margin
of the accuracy, as if unseen items with a score near 1 were wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray

from diascope.evaluation.group_counts import effective_groups, label_rows
from diascope.evaluation.labelled_scores import Booleans, Floats
from diascope.evaluation.library_metrics import ROUNDING, LibraryMetrics

_TAIL = 0.025


@dataclass(frozen=True, eq=False)
class ExactMargins:
    """The ``Arithmetic`` of margins: how far the true value may be from a fraction of 0 or 1.

    The margins of each label's sensitivity and specificity have places of their own in a vector.
    Averaging such vectors and taking the norm therefore adds the margins of these independent
    fractions in quadrature. Means, as of a Brier score, share one place, so that the margins of
    several labels add up. The first half of a vector holds margins below the value, the second half
    those above it.

    Attributes:
        groups: ``(N,)``.
        labels: number of measured labels.
    """

    groups: NDArray[np.generic]
    labels: int
    _seen: Iterator[int] = field(default_factory=count)

    def label(
        self, known: Booleans, truth: Booleans, scores: Floats, decided: Booleans
    ) -> dict[str, Floats]:
        values = LibraryMetrics().label(known, truth, scores, decided)
        rows = label_rows(truth, decided)
        counts = {name: effective_groups(self.groups[known][row]) for name, row in rows.items()}
        rarer = min(counts["sensitivity"], counts["specificity"])
        place = 2 * next(self._seen)
        return {
            name: self._margin(value, counts.get(name, rarer), place + (name == "specificity"))
            for name, value in values.items()
        }

    def mean(self, known: Booleans, values: Floats) -> Floats:
        return self._margin(
            LibraryMetrics().mean(known, values), effective_groups(self.groups[known]), 0
        )

    def calibration_error(self, known: Booleans, confidence: Floats, correct: Booleans) -> Floats:
        return np.zeros(4 * self.labels)  # see ``calibration_error_interval``

    def _margin(self, value: float, groups: float, place: int) -> Floats:
        if np.isnan(value):
            return np.full(4 * self.labels, np.nan)
        margins = np.zeros((2, 2 * self.labels))
        is_extreme = np.isclose(value, [1, 0], rtol=0, atol=ROUNDING)
        margins[:, place] = (1 - _TAIL ** (1 / groups)) * is_extreme
        return margins.ravel()


def unseen_mistakes(accuracy: Floats | None) -> float:
    """Return how frequent mistakes may be of which there was none; 0 if there was any.

    Args:
        accuracy: its margins; None if it was not measured.
    """
    return 0.0 if accuracy is None else float(accuracy[: len(accuracy) // 2].max())


def widen(value: float, bounds: tuple[float, float], margins: Floats) -> tuple[float, float]:
    """Return the bounds of a bootstrap, widened by the margins of a metric's parts."""
    low, high = bounds
    below, above = np.linalg.norm(margins.reshape(2, -1), axis=1)
    if below:
        low = max(value - float(np.hypot(value - low, below)), 0.0)
    if above:
        wider = min(value + float(np.hypot(high - value, above)), 1.0)
        high = max(high, wider)  # a Brier score over labels may lie above 1
    return low, high
