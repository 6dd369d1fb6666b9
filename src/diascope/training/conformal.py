"""Thresholds of prediction sets that hold the true label with a promised probability."""

import itertools
import math

import numpy as np

from diascope.evaluation.labelled_scores import Floats

_COVERAGES = (0.8, 0.85, 0.9, 0.95, 0.975, 0.99)


def fewest_groups(coverage: float) -> int:
    """Return the fewest groups of pictures from which sets of a coverage can be promised."""
    return next(count for count in itertools.count(1) if _outside(count, coverage) >= 0)


def fit_conformal(targets: Floats, scores: Floats, groups: int) -> dict[str, float]:
    """Return, for common coverages, the score at or above which a label belongs to the set.

    Coverages that need more groups are left out: many pictures of a few patients say little of
    other patients.

    Source: split conformal prediction; see ``diascope.decision.prediction_set``.

    Args:
        targets, scores: ``(N, number of labels)`` of a task with one label per picture.
        groups: how many the pictures come from.
    """
    true = np.sort((targets * scores).sum(axis=1))
    found = {}
    for coverage in _COVERAGES:
        if _outside(groups, coverage) >= 0:
            found[f"{coverage:g}"] = float(true[_outside(len(true), coverage)])
    return found


def _outside(count: int, coverage: float) -> int:
    """Return how many pictures may be outside their sets; negative if they are too few."""
    return count - math.ceil((count + 1) * coverage)
