"""Combine the scores of an item's frames into scores of the item."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from diascope.card import ModelCard
from diascope.decision import decide_rows, scores_from_logits
from diascope.frames import Frames

Aggregation = Literal["mean", "max", "top-k", "area"]
"""How frames become one answer; ``area`` is the fraction of frames that a label is predicted for.
"""

_MIN_SHARE = 0.01
"""Of the frames that differ from the item's answer; fewer may well be errors."""

_MIN_SCORE = np.finfo(np.float64).tiny
_MAX_SCORE = 1 - np.finfo(np.float64).epsneg


def item_scores(
    frames: Frames, card: ModelCard, how: Aggregation | Literal["attention"], k: int
) -> dict[str, float]:
    """Return an item's score for each label, from the scores of its frames.

    Args:
        k: the number of frames per label for ``top-k``.
    """
    rows = frames.scores
    if how == "area":
        combined = _area_scores(rows, card)
    elif how == "attention":
        combined = _weighted_scores(rows, frames.weights, card)
    elif card.task == "binary":  # aggregate the positive label; the negative is its complement
        positive = aggregate_scores(rows[:, 1:], how, k, sums_to_one=False)
        combined = np.array([1 - positive[0], positive[0]])
    else:
        combined = aggregate_scores(rows, how, k, sums_to_one=card.task == "multiclass")
    return dict(zip(card.names, combined.tolist(), strict=True))


def dissent_warnings(frames: Frames, card: ModelCard, predicted: Sequence[str]) -> tuple[str, ...]:
    """Return a warning for each label that some frames have, but not the mean of all.

    Args:
        predicted: the labels of the item, by the mean.
    """
    shares = dict(zip(card.names, _area_scores(frames.scores, card).tolist(), strict=True))
    return tuple(
        f"{name} is predicted for {round(share * frames.count)} of {frames.count} "
        f"{frames.noun}, but not by their mean score"
        for name, share in list(shares.items())[card.task == "binary" :]  # the negative needs none
        if name not in predicted and share >= _MIN_SHARE
    )


def aggregate_scores(
    table: NDArray[np.float64],
    how: Literal["mean", "max", "top-k"],
    k: int,
    *,
    sums_to_one: bool,
) -> NDArray[np.float64]:
    """Return ``(L,)``, one score per label, from the ``(n, L)`` scores of at least one frame.

    ``mean`` is each label's mean over the frames, ``max`` its largest score, ``top-k`` the mean of
    its k largest. As ``max`` and ``top-k`` may use different frames for each label, ``sums_to_one``
    (a multiclass task) scales the result to a sum of 1.
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


def _weighted_scores(
    rows: NDArray[np.float64], weights: NDArray[np.float64], card: ModelCard
) -> NDArray[np.float64]:
    """Return ``(L,)``: the scores of the weighted mean of the frames' logits.

    The logits are recovered from the scores, so they are already calibrated. That is equivalent to
    calibrating their mean: scale and bias commute with a weighted mean. The constant per frame that
    softmax removes does not change the softmax of the mean either.

    Args:
        rows: ``(n, L)`` scores of frames.
        weights: ``(n,)``, with a sum of 1.
    """
    rows = np.clip(rows, _MIN_SCORE, _MAX_SCORE)
    logits = np.log(rows)
    if card.task != "multiclass":
        logits -= np.log1p(-rows)
    mean = (weights @ logits)[None, -card.outputs :]
    scores: NDArray[np.float64] = scores_from_logits(mean, replace(card, calibration=None))[0]
    return scores


def _area_scores(rows: NDArray[np.float64], card: ModelCard) -> NDArray[np.float64]:
    """Return ``(L,)``: the fraction of frames, of ``(n, L)`` scores, that have each label."""
    shares: NDArray[np.float64] = decide_rows(rows, card).mean(axis=0)
    return shares
