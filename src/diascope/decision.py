"""Turn logits into scores, and scores into the labels that the card's rule predicts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.card import ModelCard
from diascope.errors import RecipeError


def scores_from_logits(logits: NDArray[np.floating[Any]], card: ModelCard) -> NDArray[np.float64]:
    """Return ``(N, number of labels)`` scores from ``(N, L)`` logits, by softmax or sigmoid.

    The card's calibration is applied first. A binary task has one logit, that of its second
    (positive) label.
    """
    wide = calibrated_logits(logits, card)
    if card.task == "multiclass":
        return softmax(wide)
    positive: NDArray[np.float64] = np.exp(-np.logaddexp(0, -wide))  # does not overflow
    if card.task == "binary":
        return np.concatenate([1 - positive, positive], axis=1)
    return positive


def calibrated_logits(logits: NDArray[np.floating[Any]], card: ModelCard) -> NDArray[np.float64]:
    """Return logits after the card's calibration, if it has one."""
    wide = logits.astype(np.float64)
    if card.calibration is None:
        return wide
    scale, bias = np.array(card.calibration.scale), np.array(card.calibration.bias)
    calibrated: NDArray[np.float64] = wide * scale + bias
    return calibrated


def softmax(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the softmax over the last axis."""
    powers = np.exp(logs - logs.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def decide(scores: Mapping[str, float], card: ModelCard) -> tuple[str, ...]:
    """Return the predicted labels by the card's operating points.

    Binary: the positive label if its score reaches its operating point (0.5 without one), else the
    negative. Multilabel: every label whose score reaches its operating point, possibly none.
    Multiclass: the label whose score is the largest multiple of its operating point; without
    operating points, the label with the highest score.
    """
    points = {label.name: label.operating_point for label in card.labels}
    if card.task == "multilabel":
        return tuple(name for name in card.names if scores[name] >= _threshold(points[name]))
    if card.task == "binary":
        negative, positive = card.names
        return (positive if scores[positive] >= _threshold(points[positive]) else negative,)
    ratios = {name: scores[name] / (points[name] or 1.0) for name in card.names}
    return (max(card.names, key=lambda name: ratios[name]),)


def prediction_set(
    scores: Mapping[str, float], card: ModelCard, coverage: float
) -> tuple[str, ...]:
    """Return labels that include the true one with a probability of ``coverage``; at least one.

    Source: split conformal prediction, Sadinle et al. 2019, "Least Ambiguous Set-Valued
    Classifiers with Bounded Error Levels". The guarantee holds for pictures like those that the
    thresholds were fitted on, on average over all of them, not for each label separately. The set
    depends on the scores alone: where operating points predict another label than the one with the
    highest score, the set may not contain it.

    Raises:
        RecipeError: if the card has no threshold for the coverage.
    """
    check_thresholds(card, coverage)
    threshold = card.conformal[f"{coverage:g}"]
    top = max(card.names, key=lambda name: scores[name])
    return tuple(name for name in card.names if name == top or scores[name] >= threshold)


def check_thresholds(card: ModelCard, coverage: float) -> None:
    """Raise a RecipeError if the card has no threshold for prediction sets of a coverage."""
    if f"{coverage:g}" not in card.conformal:
        known = ", ".join(card.conformal)
        why = (
            "Prediction sets are for tasks with one label per picture, and its task is multilabel"
            if card.task == "multilabel"
            else "Its card has none"
        )
        raise RecipeError(
            f"{card.name} has no prediction sets of coverage {coverage:g}",
            where="run.coverage",
            hint=f"It has {known}." if known else f"{why}: remove run.coverage.",
        )


def _threshold(point: float | None) -> float:
    return 0.5 if point is None else point
