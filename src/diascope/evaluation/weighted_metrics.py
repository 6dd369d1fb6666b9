"""The same metrics for many bootstrap draws at once: an item drawn twice has the weight 2.

Scores are sorted once for many draws, and every draw is a row of a matrix, so a thousand draws take
seconds.
Tests compare each metric with its value in ``library_metrics``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diascope.evaluation.labelled_scores import Booleans, Floats
from diascope.evaluation.library_metrics import CALIBRATION_BINS, ROUNDING, SPECIFICITY, bins_of


@dataclass(frozen=True, eq=False)
class WeightedMetrics:
    """The ``Arithmetic`` of intervals: metrics of D draws.

    Attributes:
        weights: ``(D, N)``, how often each item was drawn.
    """

    weights: Floats

    def label(
        self, known: Booleans, truth: Booleans, scores: Floats, decided: Booleans
    ) -> dict[str, Floats]:
        """Return the metrics of one label against the rest, D numbers each."""
        weights = self.weights[:, known]
        tp, fn = weights @ (truth & decided), weights @ (truth & ~decided)
        fp, tn = weights @ (~truth & decided), weights @ (~truth & ~decided)
        curve = _Curve.of(truth, scores, weights)
        return {
            "auc": curve.area(),
            "average_precision": curve.average_precision(),
            "sensitivity": _ratio(tp, tp + fn),
            "specificity": _ratio(tn, tn + fp),
            "ppv": _ratio(tp, tp + fp),
            "npv": _ratio(tn, tn + fn),
            "sensitivity_at_specificity_80": curve.best_sensitivity(),
        }

    def mean(self, known: Booleans, values: Floats) -> Floats:
        weights = self.weights[:, known]
        return _ratio(weights @ values, weights.sum(axis=1))

    def calibration_error(self, known: Booleans, confidence: Floats, correct: Booleans) -> Floats:
        error: Floats = np.abs(self._gaps(known, confidence, correct)).sum(axis=1)
        return error

    def calibration_distance(
        self, known: Booleans, confidence: Floats, correct: Booleans
    ) -> Floats:
        """Return the absolute differences of each draw's gaps from the first draw's, ``(D,)`` sums.

        The sums are over bins; the first draw is the table itself.
        """
        gaps = self._gaps(known, confidence, correct)
        distance: Floats = np.abs(gaps - gaps[:1]).sum(axis=1)
        return distance

    def _gaps(self, known: Booleans, confidence: Floats, correct: Booleans) -> Floats:
        """Return ``(D, bins)``: sums of score minus correctness, divided by the number of items."""
        weights = self.weights[:, known]
        each = np.equal.outer(bins_of(confidence), np.arange(CALIBRATION_BINS))
        gaps = weights @ (each * (confidence - correct)[:, None])
        return _ratio(gaps, np.broadcast_to(weights.sum(axis=1, keepdims=True), gaps.shape))


def label_aucs(targets: Floats, scores: Floats) -> list[float]:
    """Return the AUC of each column of ``(N, L)``, NaN without positive or negative items."""
    aucs = []
    for truth, column in zip(targets.T, scores.T, strict=True):
        known = ~np.isnan(truth)
        once = np.ones((1, int(known.sum())))
        aucs.append(float(_Curve.of(truth[known] == 1, column[known], once).area()[0]))
    return aucs


@dataclass(frozen=True, eq=False)
class _Curve:
    """The numbers of positives and negatives at each distinct score, highest score first.

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
        """Return the area under the ROC curve.

        That is the fraction of pairs of a positive and a negative item in which the positive one
        has the higher score; ties count half.
        """
        below = self.negatives.sum(axis=1, keepdims=True) - self.negatives.cumsum(axis=1)
        ordered = (self.positives * (below + self.negatives / 2)).sum(axis=1)
        return _ratio(ordered, self.positives.sum(axis=1) * self.negatives.sum(axis=1))

    def average_precision(self) -> Floats:
        tp, fp = self.positives.cumsum(axis=1), self.negatives.cumsum(axis=1)
        precision = tp / np.maximum(tp + fp, ROUNDING)
        positives, negatives = self.positives.sum(axis=1), self.negatives.sum(axis=1)
        total = (self.positives * precision).sum(axis=1)
        return _ratio(total, np.where(negatives > 0, positives, 0))

    def best_sensitivity(self) -> Floats:
        tp, fp = self.positives.cumsum(axis=1), self.negatives.cumsum(axis=1)
        positives, negatives = self.positives.sum(axis=1), self.negatives.sum(axis=1)
        allowed = fp <= (1 - SPECIFICITY + ROUNDING) * negatives[:, None]
        best = np.where(allowed, tp, 0).max(axis=1, initial=0)
        return _ratio(best, np.where(negatives > 0, positives, 0))


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> Floats:
    """Return ``part / whole``, NaN where ``whole`` is 0."""
    ratio: Floats = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio
