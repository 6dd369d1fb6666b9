"""From the scores of an item's frames to the scores of the item."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Aggregation = Literal["mean", "max", "top-k", "area"]
"""How frames become one answer; ``area``: the share of them that a label is decided on for."""


def aggregated(
    table: NDArray[np.float64],
    how: Literal["mean", "max", "top-k"],
    k: int,
    *,
    sums_to_one: bool,
) -> NDArray[np.float64]:
    """Return ``(L,)``: one score a label from ``(n, L)`` scores of frames, at least one.

    ``mean`` takes each label's mean over the frames, ``max`` its largest score, ``top-k`` the mean
    of its k largest. ``max`` and ``top-k`` choose different frames for different labels; with
    ``sums_to_one`` (a multiclass task) the result is scaled back to a sum of 1.
    """
    if how == "mean":
        scores = table.mean(axis=0)
    else:
        kept = 1 if how == "max" else min(k, len(table))
        scores = np.sort(table, axis=0)[-kept:].mean(axis=0)
    if sums_to_one:
        scores = scores / scores.sum()
    result: NDArray[np.float64] = scores
    return result
