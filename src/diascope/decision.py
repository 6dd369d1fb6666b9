"""From logits to scores, and from scores to the labels that the card's rule decides on."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.card import ModelCard
from diascope.errors import RecipeError


def scores_from_logits(logits: NDArray[np.floating[Any]], card: ModelCard) -> NDArray[np.float64]:
    """Return ``(N, number of labels)`` scores of ``(N, L)`` logits: softmax or sigmoid.

    The card's calibration is applied first. A binary task has one logit, that of its second
    (positive) label.
    """
    wide = logits.astype(np.float64)
    if card.calibration is not None:
        wide = wide * np.array(card.calibration.scale) + np.array(card.calibration.bias)
    if card.task == "multiclass":
        return softmax(wide)
    positive: NDArray[np.float64] = np.exp(-np.logaddexp(0, -wide))  # does not overflow
    if card.task == "binary":
        return np.concatenate([1 - positive, positive], axis=1)
    return positive


def softmax(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return powers of e as shares of their sum, row by row."""
    powers = np.exp(logs - logs.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def decide(scores: Mapping[str, float], card: ModelCard) -> tuple[str, ...]:
    """Return the labels that the card's operating points decide on.

    Binary: the positive label from its operating point upwards (0.5 without one), else the
    negative. Multilabel: every label from its operating point upwards, perhaps none. Multiclass:
    the label whose score is the largest multiple of its operating point; without operating points,
    the highest score.
    """
    points = {label.name: label.operating_point for label in card.labels}
    if card.task == "multilabel":
        return tuple(name for name in card.names if scores[name] >= _or_half(points[name]))
    if card.task == "binary":
        negative, positive = card.names
        return (positive if scores[positive] >= _or_half(points[positive]) else negative,)
    ratios = {name: scores[name] / (points[name] or 1.0) for name in card.names}
    return (max(card.names, key=lambda name: ratios[name]),)


def prediction_set(
    scores: Mapping[str, float], card: ModelCard, coverage: float
) -> tuple[str, ...]:
    """Return the labels that hold the true one with a probability of ``coverage``; never none.

    Source: split conformal prediction, Sadinle et al. 2019, "Least Ambiguous Set-Valued
    Classifiers with Bounded Error Levels". The promise holds for pictures like those that the
    thresholds were fitted on, over all of them together, not for each label on its own. The set is
    of the scores alone: where operating points decide for another label than the one with the
    highest score, that label may lie outside.

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
        raise RecipeError(
            f"{card.name} has no prediction sets of coverage {coverage:g}",
            where="run.coverage",
            hint=f"It has {known}." if known else "Remove run.coverage.",
        )


def _or_half(point: float | None) -> float:
    return 0.5 if point is None else point
