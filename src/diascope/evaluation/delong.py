"""Is one model's AUC higher than another's, on the same items?

DeLong, DeLong and Clarke-Pearson 1988, in the fast form of Sun and Xu 2014: placements come from
midranks instead of from all pairs.
"""

from typing import NamedTuple

import numpy as np

from diascope.evaluation.scored import Booleans, Floats

_Z = 1.959963984540054  # of a 95 % interval


class Difference(NamedTuple):
    """How much higher the first AUC is, with its 95 % interval and two-sided p-value."""

    difference: float
    low: float
    high: float
    p: float


def delong(targets: Floats, scores_a: Floats, scores_b: Floats) -> Difference:
    """Compare two AUCs of the same N items, each taken as independent of the others.

    Args:
        targets: ``(N,)`` 0 or 1.
        scores_a, scores_b: ``(N,)``.

    Raises:
        ValueError: if there are fewer than two items of either kind.
    """
    from scipy.special import ndtr

    truth = targets == 1
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if min(positives, negatives) < 2:
        raise ValueError(f"needs two items of either kind, got {positives} and {negatives}")
    found_a, cleared_a = _placements(truth, scores_a)
    found_b, cleared_b = _placements(truth, scores_b)
    found, cleared = found_a - found_b, cleared_a - cleared_b
    difference = float(found.mean())
    error = float(np.sqrt(found.var(ddof=1) / positives + cleared.var(ddof=1) / negatives))
    if not error:
        return Difference(difference, difference, difference, float(difference == 0))
    p = float(2 * ndtr(-abs(difference) / error))
    return Difference(difference, difference - _Z * error, difference + _Z * error, p)


def _placements(truth: Booleans, scores: Floats) -> tuple[Floats, Floats]:
    """Return of each positive the share of negatives below it, of each negative that above it."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    below = (ranks[truth] - rankdata(scores[truth])) / (~truth).sum()
    above = 1 - (ranks[~truth] - rankdata(scores[~truth])) / truth.sum()
    return below, above
