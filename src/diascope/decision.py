"""Turn logits into scores, and scores into the labels that the card's rule predicts."""

from collections.abc import Mapping
from dataclasses import replace
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
    """Return the labels that ``decide_rows`` predicts from the scores of one picture."""
    row = np.array([[scores[name] for name in card.names]], np.float64)
    chosen = decide_rows(row, card)[0].tolist()
    return tuple(name for name, is_chosen in zip(card.names, chosen, strict=True) if is_chosen)


def decide_rows(scores: NDArray[np.float64], card: ModelCard) -> NDArray[np.bool_]:
    """Return which labels the card's operating points predict, ``(N, L)``.

    Binary: the positive label if its score reaches its operating point (0.5 without one), else the
    negative. Multilabel: every label whose score reaches its operating point, possibly none.
    Multiclass: the label whose score is the largest multiple of its operating point; without
    operating points, the label with the highest score.

    Args:
        scores: ``(N, L)``, in the order of the card's labels.
    """
    stated = [label.operating_point for label in card.labels]
    if card.task == "multiclass":
        ratios = scores / np.array([point or 1.0 for point in stated])
        chosen: NDArray[np.bool_] = np.arange(len(stated)) == ratios.argmax(1)[:, None]
        return chosen
    reached = scores >= np.array([0.5 if point is None else point for point in stated])
    return np.stack([~reached[:, 1], reached[:, 1]], 1) if card.task == "binary" else reached


def without_operating_points(card: ModelCard) -> ModelCard:
    """Return a card that decides on shares of frames; operating points apply to scores."""
    labels = tuple(replace(label, operating_point=None) for label in card.labels)
    return replace(card, labels=labels)


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
