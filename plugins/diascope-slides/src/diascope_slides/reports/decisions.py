"""Which one label each tile is shown as."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope_slides.reports.answers import card_labels


def decide_labels(scores: NDArray[np.float32], run: Mapping[str, Any]) -> NDArray[np.intp]:
    """Return ``(n,)``: the place of the label that the card's operating points decide on, or -1.

    The rule is that of ``diascope.decision.decide``. Where several labels of a multilabel task
    hold, it is the one whose score is the largest multiple of its operating point.

    Args:
        scores: ``(n, L)``, in the order of the card.
    """
    task = run["card"]["task"]
    known = [label.point for label in card_labels(run).values()]
    if task == "binary":
        return (scores[:, 1] >= _or(known[1], 0.5)).astype(np.intp)
    neutral = 1.0 if task == "multiclass" else 0.5
    points = np.array([_or(point, neutral) for point in known])
    best: NDArray[np.intp] = np.argmax(scores / points, axis=1)
    if task == "multiclass":
        return best
    reached = scores >= points.astype(scores.dtype)  # a score on its point is rounded as that is
    return np.where(reached.any(axis=1), best, -1)


def _or(point: float | None, default: float) -> float:
    return default if point is None else point
