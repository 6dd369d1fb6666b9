"""The same metrics for many draws of a bootstrap at once: an item drawn twice weighs two.

What is sorted is sorted once, and every draw is one more row of a matrix; that is why a thousand
draws take seconds. Tests hold each metric against its value in ``library_metrics``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diascope.evaluation.labelled_scores import Booleans, Floats
from diascope.evaluation.library_metrics import CALIBRATION_BINS, ROUNDING, SPECIFICITY, bins_of


@dataclass(frozen=True, eq=False)
class Weighted:
    """Metrics of D draws; the ``Arithmetic`` of intervals.

    Attributes:
        weights: ``(D, N)``, how often each of N items was drawn.
    """

    weights: Floats

    def label(
        self, known: Booleans, truth: Booleans, scores: Floats, decided: Booleans
    ) -> dict[str, Floats]:
        """Return what is measured of one label against the rest, D numbers each."""
        weights = self.weights[:, known]
        found, missed = weights @ (truth & decided), weights @ (truth & ~decided)
        raised, cleared = weights @ (~truth & decided), weights @ (~truth & ~decided)
        curve = _Curve.of(truth, scores, weights)
        return {
            "auc": curve.area(),
            "average_precision": curve.average_precision(),
            "sensitivity": _ratio(found, found + missed),
            "specificity": _ratio(cleared, cleared + raised),
            "ppv": _ratio(found, found + raised),
            "npv": _ratio(cleared, cleared + missed),
            "sensitivity_at_specificity_80": curve.best_sensitivity(),
        }

    def mean(self, known: Booleans, values: Floats) -> Floats:
        weights = self.weights[:, known]
        return _ratio(weights @ values, weights.sum(axis=1))

    def calibration_error(self, known: Booleans, confidence: Floats, correct: Booleans) -> Floats:
        error: Floats = np.abs(self._gaps(known, confidence, correct)).sum(axis=1)
        return error

    def calibration_away(self, known: Booleans, confidence: Floats, correct: Booleans) -> Floats:
        """Return how far the gaps of all bins are from those of the first draw, D numbers."""
        gaps = self._gaps(known, confidence, correct)
        away: Floats = np.abs(gaps - gaps[:1]).sum(axis=1)
        return away

    def _gaps(self, known: Booleans, confidence: Floats, correct: Booleans) -> Floats:
        """Return ``(D, bins)``: by how much scores exceed what is right, as a share of all."""
        weights = self.weights[:, known]
        each = np.equal.outer(bins_of(confidence), np.arange(CALIBRATION_BINS))
        gaps = weights @ (each * (confidence - correct)[:, None])
        return _ratio(gaps, np.broadcast_to(weights.sum(axis=1, keepdims=True), gaps.shape))


def label_aucs(targets: Floats, scores: Floats) -> list[float]:
    """Return the area under the ROC curve of each of ``(N, L)`` columns, NaN if one kind lacks."""
    found = []
    for truth, column in zip(targets.T, scores.T, strict=True):
        known = ~np.isnan(truth)
        once = np.ones((1, int(known.sum())))
        found.append(float(_Curve.of(truth[known] == 1, column[known], once).area()[0]))
    return found


@dataclass(frozen=True, eq=False)
class _Curve:
    """How many of both kinds stand at each distinct score, from the highest score down.

    Attributes:
        positives, negatives: ``(D, number of distinct scores)``.
    """

    positives: Floats
    negatives: Floats

    @classmethod
    def of(cls, truth: Booleans, scores: Floats, weights: Floats) -> "_Curve":
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]])[: len(ranked)])
        if not len(ranked):
            return cls(*np.zeros((2, len(weights), 0)))
        drawn = weights[:, order]
        positives: Floats = np.add.reduceat(drawn * truth[order], starts, axis=1)
        negatives: Floats = np.add.reduceat(drawn * ~truth[order], starts, axis=1)
        return cls(positives, negatives)

    def area(self) -> Floats:
        """Return the area under the ROC curve: the share of pairs in order, ties half."""
        below = self.negatives.sum(axis=1, keepdims=True) - self.negatives.cumsum(axis=1)
        ordered = (self.positives * (below + self.negatives / 2)).sum(axis=1)
        return _ratio(ordered, self.positives.sum(axis=1) * self.negatives.sum(axis=1))

    def average_precision(self) -> Floats:
        found, raised = self.positives.cumsum(axis=1), self.negatives.cumsum(axis=1)
        precision = found / np.maximum(found + raised, ROUNDING)
        positives, negatives = self.positives.sum(axis=1), self.negatives.sum(axis=1)
        found_among = (self.positives * precision).sum(axis=1)
        return _ratio(found_among, np.where(negatives > 0, positives, 0))

    def best_sensitivity(self) -> Floats:
        found, raised = self.positives.cumsum(axis=1), self.negatives.cumsum(axis=1)
        positives, negatives = self.positives.sum(axis=1), self.negatives.sum(axis=1)
        allowed = raised <= (1 - SPECIFICITY + ROUNDING) * negatives[:, None]
        best = np.where(allowed, found, 0).max(axis=1, initial=0)
        return _ratio(best, np.where(negatives > 0, positives, 0))


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> Floats:
    """Divide, NaN where there is nothing to divide by."""
    share: Floats = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share
