"""Synthetic answers for every task, and direct computations of their metrics."""

from typing import Any

import numpy as np

from diascope.card import Task
from diascope.evaluation.labelled_scores import LabelledScores


def multiclass(
    count: int = 120, *, seed: int = 0, noise: float = 1.0, **fields: Any
) -> LabelledScores:
    """Return answers on three labels; scores of one decimal, so that many are tied."""
    random = np.random.default_rng(seed)
    truth = np.eye(3)[np.arange(count) % 3]
    powers = np.exp(1.5 * truth + noise * random.normal(size=(count, 3)))
    scores = np.round(powers / powers.sum(axis=1, keepdims=True), 1)
    decided = np.eye(3, dtype=np.bool_)[scores.argmax(axis=1)]
    return scored(("red", "green", "blue"), "multiclass", truth, scores, decided, **fields)


def multilabel(count: int = 120, *, seed: int = 0, **fields: Any) -> LabelledScores:
    """Return answers on two labels; a tenth of the truth is unknown."""
    random = np.random.default_rng(seed)
    truth = (random.random((count, 2)) < (0.5, 0.2)).astype(np.float64)
    scores = 1 / (1 + np.exp(1 - 2 * truth - random.normal(size=(count, 2))))
    truth[random.random((count, 2)) < 0.1] = np.nan
    return scored(("round", "large"), "multilabel", truth, scores, scores >= 0.5, **fields)


def binary(count: int = 120, *, seed: int = 0, **fields: Any) -> LabelledScores:
    """Return answers on a positive label that a third of the items has."""
    random = np.random.default_rng(seed)
    truth = (np.arange(count) % 3 == 0).astype(np.float64)
    score = 1 / (1 + np.exp(1 - 2 * truth - random.normal(size=count)))
    both = [np.stack([1 - column, column], axis=1) for column in (truth, score, score >= 0.5)]
    return scored(("plain", "spotted"), "binary", both[0], both[1], both[2] == 1, **fields)


def scored(
    names: tuple[str, ...], task: Task, truth: Any, scores: Any, decided: Any, **fields: Any
) -> LabelledScores:
    """Return answers of items that are groups of their own, if not said otherwise."""
    items = tuple(f"{number}.png" for number in range(len(truth)))
    known: dict[str, Any] = {"score_kind": "softmax", "groups": items}
    table = {"targets": truth, "scores": scores, "predicted": decided}
    return LabelledScores(names=names, task=task, items=items, **table, **(known | fields))
