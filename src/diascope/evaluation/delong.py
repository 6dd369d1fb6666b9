"""Is one model's AUC higher than another's, on the same items?

DeLong, DeLong and Clarke-Pearson 1988, in the fast form of Sun and Xu 2014: placements come from
midranks instead of from all pairs. Items of one group, such as a patient's pictures, depend on each
other: Obuchowski 1997, "Nonparametric Analysis of Clustered ROC Curve Data".
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diascope.evaluation.labelled_scores import Booleans, Floats

_Z = 1.959963984540054  # of a 95 % interval
_ROUNDING = 1e-12  # standard errors and differences below it are of the arithmetic


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
        groups: N names; where each item has its own, the test is DeLong's.

    Raises:
        ValueError: if there are fewer than two groups with items of either kind, or the AUCs differ
            without any variance, as where one model is always right and the other always wrong.
    """
    from scipy.special import ndtr

    truth = targets == 1
    names, codes = np.unique(np.asarray(groups), return_inverse=True)
    kinds = [len(np.unique(codes[kind])) for kind in (truth, ~truth)]
    if min(kinds) < 2:
        raise ValueError(f"needs two groups with either kind, got {kinds[0]} and {kinds[1]}")
    found_a, cleared_a = _placements(truth, scores_a)
    found_b, cleared_b = _placements(truth, scores_b)
    found, cleared = found_a - found_b, cleared_a - cleared_b
    difference = float(found.mean())
    error = np.sqrt(_variance(found, cleared, codes[truth], codes[~truth], len(names)))
    certain = error < _ROUNDING
    if certain and abs(difference) > _ROUNDING:
        raise ValueError("the AUCs differ without any variance")
    p = 1.0 if certain else float(2 * ndtr(-abs(difference) / error))
    low, high = np.clip([difference - _Z * error, difference + _Z * error], -1, 1)
    return Difference(difference, float(low), float(high), p)


def _variance(
    found: Floats,
    cleared: Floats,
    found_in: NDArray[np.intp],
    cleared_in: NDArray[np.intp],
    count: int,
) -> float:
    """Return the variance of the mean placement, from what each of ``count`` groups adds to it."""
    sums = [
        np.bincount(codes, (placed - placed.mean()) / len(placed), count)
        for placed, codes in ((found, found_in), (cleared, cleared_in))
    ]
    kinds = [len(np.unique(codes)) for codes in (found_in, cleared_in)]
    own = sum(k / (k - 1) * (each**2).sum() for k, each in zip(kinds, sums, strict=True))
    both = 2 * count / (count - 1) * (sums[0] * sums[1]).sum()
    return float(max(own + both, 0.0))


def _placements(truth: Booleans, scores: Floats) -> tuple[Floats, Floats]:
    """Return of each positive the share of negatives below it, of each negative that above it."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    below = (ranks[truth] - rankdata(scores[truth])) / (~truth).sum()
    above = 1 - (ranks[~truth] - rankdata(scores[~truth])) / truth.sum()
    return below, above
