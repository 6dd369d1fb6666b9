"""How far a share may be from what all groups agree on: of 13 patients who were all found, every
bootstrap finds all, and would promise that none is ever missed.

Clopper and Pearson 1934, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the
Binomial", where every group, or none, has it. An AUC of 1 says as much as so many pairs that have
nothing in common as there are groups of the rarer kind. A balanced accuracy takes what its parts
may be off beside its own bootstrap: Zou and Donner 2008, "Construction of Confidence Limits about
Effect Measures: A General Approach".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray

from diascope.evaluation.labelled_scores import Booleans, Floats
from diascope.evaluation.library_metrics import ROUNDING, Library

_TAIL = 0.025


@dataclass(frozen=True, eq=False)
class ExactMargins:
    """An ``Arithmetic`` of how far metrics may lie from values that all groups agree on.

    What each share may be off has a place of its own in a vector, so that the length of a mean of
    vectors is what independent shares are off together: the first half below the value, the second
    above it.

    Attributes:
        groups: ``(N,)``.
        labels: how many are measured.
    """

    groups: NDArray[np.generic]
    labels: int
    _seen: Iterator[int] = field(default_factory=count)

    def label(
        self, known: Booleans, truth: Booleans, scores: Floats, decided: Booleans
    ) -> dict[str, Floats]:
        values = Library().label(known, truth, scores, decided)
        rows = {"sensitivity": truth, "specificity": ~truth, "ppv": decided, "npv": ~decided}
        counts = {name: len(np.unique(self.groups[known][of])) for name, of in rows.items()}
        rarer = min(counts["sensitivity"], counts["specificity"])
        place = 2 * next(self._seen)
        return {
            name: self._margin(value, counts.get(name, rarer), place + (name == "specificity"))
            for name, value in values.items()
        }

    def mean(self, known: Booleans, values: Floats) -> Floats:
        return self._margin(Library().mean(known, values), len(np.unique(self.groups[known])), 0)

    def calibration_error(self, known: Booleans, confidence: Floats, correct: Booleans) -> Floats:
        return np.zeros(4 * self.labels)  # has an interval of its own

    def _margin(self, value: float, groups: int, place: int) -> Floats:
        if np.isnan(value):
            return np.full(4 * self.labels, np.nan)
        off = np.zeros((2, 2 * self.labels))
        at = np.isclose(value, [1, 0], rtol=0, atol=ROUNDING)
        off[:, place] = (1 - _TAIL ** (1 / groups)) * at
        return off.ravel()


def widen(value: float, bounds: tuple[float, float], off: Floats) -> tuple[float, float]:
    """Return the bounds of a bootstrap, wider by how far a metric may be off besides."""
    low, high = bounds
    below, above = np.linalg.norm(off.reshape(2, -1), axis=1)
    if below:
        low = max(value - float(np.hypot(value - low, below)), 0.0)
    if above:
        wider = min(value + float(np.hypot(high - value, above)), 1.0)
        high = max(high, wider)  # a Brier score over labels may lie above 1
    return low, high
