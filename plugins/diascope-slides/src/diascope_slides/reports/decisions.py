"""Choose the one label that is shown for each tile."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope_slides.reports.answers import card_labels


def decide_labels(scores: NDArray[np.float32], run: Mapping[str, Any]) -> NDArray[np.intp]:
    """Return ``(n,)``: the index of the label decided by the card's operating points, or -1.

    The rule is that of ``diascope.decision.decide``. If several labels of a multilabel task are
    present, the one whose score is the largest multiple of its operating point is chosen.

    Args:
        scores: ``(n, L)``, in the order of the card.
    """
    task = run["card"]["task"]
    stated = [label.point for label in card_labels(run).values()]
    if task == "binary":
        return (scores[:, 1] >= _point_or(stated[1], 0.5)).astype(np.intp)
    default = 1.0 if task == "multiclass" else 0.5
    points = np.array([_point_or(point, default) for point in stated])
    best: NDArray[np.intp] = np.argmax(scores / points, axis=1)
    if task == "multiclass":
        return best
    is_present = scores >= points.astype(scores.dtype)  # equal scores and points must round alike
    return np.where(is_present.any(axis=1), best, -1)


def _point_or(point: float | None, default: float) -> float:
    return default if point is None else point
