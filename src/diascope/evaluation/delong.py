"""DeLong's test: do the AUCs of two models on the same items differ? And the interval of one AUC.

DeLong, DeLong and Clarke-Pearson 1988, in the fast form of Sun and Xu 2014, which computes
placements from midranks instead of from all pairs. Items of one group, such as the pictures of a
patient, are not independent; the variance is therefore that of Obuchowski 1997, "Nonparametric
Analysis of Clustered ROC Curve Data".
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diascope.evaluation.group_counts import ENOUGH_GROUPS, effective_groups
from diascope.evaluation.labelled_scores import Booleans, Floats

_ROUNDING = 1e-12  # smaller standard errors are rounding errors


class Difference(NamedTuple):
    """How much higher the first AUC is, with its 95 % interval and two-sided p-value.

    Without observed variance there is neither interval nor p-value: they would claim certainty. For
    example, two models that rank every pair correctly need not be equally good.
    """

    difference: float
    low: float | None = None
    high: float | None = None
    p: float | None = None

    def plain(self) -> dict[str, float]:
        """Return what is known, by name."""
        return {name: value for name, value in self._asdict().items() if value is not None}


def delong(
    targets: Floats, scores_a: Floats, scores_b: Floats, groups: Sequence[str]
) -> Difference:
    """Compare two AUCs of the same N items, whose groups are independent of each other.

    With few groups of the rarer kind, the normal distribution would let equal models differ too
    often; Student's t has one degree of freedom less than there are such groups, of which those of
    different sizes count as fewer; see ``effective_groups``.

    Args:
        targets: ``(N,)`` 0 or 1.
        scores_a, scores_b: ``(N,)``.
        groups: N names; if each item has its own, this is DeLong's test.

    Raises:
        ValueError: if fewer than two groups have positive items or fewer than two have negative
            ones.
    """
    from scipy.stats import norm, t

    truth = targets == 1
    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    kinds = [len(np.unique(codes[kind])) for kind in (truth, ~truth)]
    if min(kinds) < 2:
        raise ValueError(
            "needs two groups with positive and two with negative items, got "
            f"{kinds[0]} and {kinds[1]}"
        )
    positives_a, negatives_a = _placements(truth, scores_a)
    positives_b, negatives_b = _placements(truth, scores_b)
    positives, negatives = positives_a - positives_b, negatives_a - negatives_b
    difference = float(positives.mean())
    error = np.sqrt(_variance(positives, negatives, codes[truth], codes[~truth]))
    if error < _ROUNDING:
        return Difference(difference)
    rarer = _rarer_groups(truth, codes)
    distribution = t(rarer - 1) if rarer < ENOUGH_GROUPS else norm
    p = float(2 * distribution.sf(abs(difference) / error))
    margin = distribution.ppf(0.975) * error
    low, high = np.clip([difference - margin, difference + margin], -1, 1)
    return Difference(difference, float(low), float(high), p)


def auc_interval(
    truth: Booleans, scores: Floats, groups: Sequence[str]
) -> tuple[float, float] | None:
    """Return the 95 % interval of an AUC that rests on few groups; NaN if the rarer kind has one.

    It is symmetric in the AUC's logit, so it ends before 0 and 1. A bootstrap's would be too
    narrow: a few groups do not show how different others can be. None for an AUC that rests on
    many groups, or has no observed variance, such as one of 1.

    Args:
        truth: ``(N,)``, which items are positive.
        scores: ``(N,)``.
        groups: N names.
    """
    from scipy.special import expit, logit
    from scipy.stats import t

    _, codes = np.unique(np.asarray(groups), return_inverse=True)
    rarer = _rarer_groups(truth, codes)
    if rarer == 0 or rarer >= ENOUGH_GROUPS:
        return None
    positives, negatives = _placements(truth, scores)
    auc = float(positives.mean())
    if not _ROUNDING < auc < 1 - _ROUNDING:
        return None
    if rarer == 1:
        return np.nan, np.nan
    error = np.sqrt(_variance(positives, negatives, codes[truth], codes[~truth]))
    if error < _ROUNDING:
        return None
    margin = t(rarer - 1).ppf(0.975) * error / (auc * (1 - auc))  # by the delta method
    return float(expit(logit(auc) - margin)), float(expit(logit(auc) + margin))


def _rarer_groups(truth: Booleans, codes: NDArray[np.intp]) -> float:
    """Return how many groups the rarer kind of items has, the positive or the negative ones."""
    return min(effective_groups(codes[kind]) for kind in (truth, ~truth))


def _variance(
    positives: Floats,
    negatives: Floats,
    positive_groups: NDArray[np.intp],
    negative_groups: NDArray[np.intp],
) -> float:
    """Return the variance of the AUC, or of a difference of AUCs."""
    count = len(np.union1d(positive_groups, negative_groups))
    sums = [
        np.bincount(codes, (placed - placed.mean()) / len(placed), count)
        for placed, codes in ((positives, positive_groups), (negatives, negative_groups))
    ]
    kinds = [len(np.unique(codes)) for codes in (positive_groups, negative_groups)]
    own = sum(k / (k - 1) * (each**2).sum() for k, each in zip(kinds, sums, strict=True))
    both = 2 * count / (count - 1) * (sums[0] * sums[1]).sum()
    return float(max(own + both, 0.0))


def _placements(truth: Booleans, scores: Floats) -> tuple[Floats, Floats]:
    """Return the fraction of negatives below each positive, and of positives above each negative.

    Ties count half.
    """
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    below = (ranks[truth] - rankdata(scores[truth])) / (~truth).sum()
    above = 1 - (ranks[~truth] - rankdata(scores[~truth])) / truth.sum()
    return below, above
