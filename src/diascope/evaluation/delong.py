"""DeLong's test: do the AUCs of two models on the same items differ?

DeLong, DeLong and Clarke-Pearson 1988, in the fast form of Sun and Xu 2014, which computes
placements from midranks instead of from all pairs. Items of one group, such as the pictures of a
patient, are not independent; the variance is therefore that of Obuchowski 1997, "Nonparametric
Analysis of Clustered ROC Curve Data".
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diascope.evaluation.labelled_scores import Booleans, Floats

_Z = 1.959963984540054  # of a 95 % interval
_ROUNDING = 1e-12  # smaller standard errors and differences are rounding errors


class Difference(NamedTuple):
    """How much higher the first AUC is, with its 95 % interval and two-sided p-value."""

    difference: float
    low: float
    high: float
    p: float


def delong(
    targets: Floats, scores_a: Floats, scores_b: Floats, groups: Sequence[str]
) -> Difference:
    """Compare two AUCs of the same N items, whose groups are independent of each other.

    Args:
        targets: ``(N,)`` 0 or 1.
        scores_a, scores_b: ``(N,)``.
        groups: N names; if each item has its own, this is DeLong's test.

    Raises:
        ValueError: if fewer than two groups have positive items or fewer than two have negative
            ones, or if the AUCs differ but their difference has no variance, for example when one
            model ranks every pair correctly and the other none.
    """
    from scipy.special import ndtr

    truth = targets == 1
    names, codes = np.unique(np.asarray(groups), return_inverse=True)
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
    error = np.sqrt(_variance(positives, negatives, codes[truth], codes[~truth], len(names)))
    no_variance = error < _ROUNDING
    if no_variance and abs(difference) > _ROUNDING:
        raise ValueError("the AUCs differ, but their difference has no variance")
    p = 1.0 if no_variance else float(2 * ndtr(-abs(difference) / error))
    low, high = np.clip([difference - _Z * error, difference + _Z * error], -1, 1)
    return Difference(difference, float(low), float(high), p)


def _variance(
    positives: Floats,
    negatives: Floats,
    positive_groups: NDArray[np.intp],
    negative_groups: NDArray[np.intp],
    count: int,
) -> float:
    """Return the variance of the AUC, or of a difference of AUCs, over ``count`` groups."""
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
