"""From the scores of an item's frames to the scores of the item."""

from collections import Counter
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from diascope.card import ModelCard
from diascope.decision import decide, scores_from_logits

Aggregation = Literal["mean", "max", "top-k", "area"]
"""How frames become one answer; ``area``: the share of them that a label is decided on for."""

_LEAST = np.finfo(np.float64).tiny
_MOST = 1 - np.finfo(np.float64).epsneg


def aggregate_scores(
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


def weighted_scores(
    rows: NDArray[np.float64], shares: NDArray[np.float64], card: ModelCard
) -> NDArray[np.float64]:
    """Return the scores of the frames' logits, averaged with weights.

    The logits are found in the scores. They are calibrated already: a weighted mean does not ask
    whether its summands were scaled and shifted before it or after. What the softmax took from all
    logits of a frame, it would take from their mean too.

    Args:
        rows: ``(n, L)`` scores of frames.
        shares: ``(n,)``, what each frame weighs; 1 in all.
    """
    rows = np.clip(rows, _LEAST, _MOST)
    logits = np.log(rows)
    if card.task != "multiclass":
        logits -= np.log1p(-rows)
    whole = (shares @ logits)[None, -card.outputs :]
    scores: NDArray[np.float64] = scores_from_logits(whole, replace(card, calibration=None))[0]
    return scores


def area_scores(rows: NDArray[np.float64], card: ModelCard) -> NDArray[np.float64]:
    """Return ``(L,)``: the share of ``(n, L)`` frames that each label is decided on for."""
    names = card.names
    decided = [decide(dict(zip(names, row, strict=True)), card) for row in rows.tolist()]
    counts = Counter(name for labels in decided for name in labels)
    return np.array([counts[name] / len(rows) for name in names])
