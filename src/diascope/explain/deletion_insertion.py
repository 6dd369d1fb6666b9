"""Deletion and insertion curves: does the score depend on the cells with the most evidence?

Deletion hides the cells with the most evidence first: the sooner the score falls, the better the
map. Insertion shows them first: the sooner the score rises, the better. A random order is the
baseline for both.

Source: Petsiuk, Das and Saenko 2018, "RISE"; here hidden cells are blurred, as in ``occlusion``.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from diascope.explain.occlusion import blur

_STEPS = 10


class DeletionInsertion(NamedTuple):
    """Areas under the curves of the score over the visible fraction of the picture."""

    deletion: float
    insertion: float
    random: float


def measure_deletion_insertion(
    batch: Tensor,
    evidence: NDArray[np.float32],
    score: Callable[[Tensor], NDArray[np.float64]],
    random: np.random.Generator,
) -> DeletionInsertion:
    """Return the areas for a picture, hidden and shown in steps of a tenth of its cells.

    Args:
        batch: ``(1, C, H, W)``.
        evidence: ``(h, w)``, one number per cell.
        score: maps a batch ``(n, C, H, W)`` to the scores ``(n,)`` of the evidence map's label.
        random: for the random order.
    """
    rank = np.argsort(np.argsort(-evidence, axis=None, kind="stable"))
    last = len(rank) - 1
    # the position of each cell in the order in which the cells become visible
    orders = (last - rank, rank, random.permutation(len(rank)))
    counts = np.rint(np.linspace(0, len(rank), _STEPS + 1))
    visible = np.concatenate([order < counts[:, None] for order in orders])
    with torch.inference_mode():
        scores = score(_masked(batch, visible.reshape(-1, *evidence.shape)))
    curves = scores.reshape(len(orders), -1)
    return DeletionInsertion(*(float((curve[1:] + curve[:-1]).mean() / 2) for curve in curves))


def _masked(batch: Tensor, visible: NDArray[np.bool_]) -> Tensor:
    """Return ``(n, C, H, W)``: the picture with only the cells ``(n, h, w)`` visible."""
    rows, columns = visible.shape[1:]
    cells = torch.from_numpy(visible[:, None].astype(np.float32)).to(batch.device)
    masks = functional.interpolate(cells, batch.shape[2:], mode="nearest") > 0.5
    return torch.where(masks, batch, blur(batch, rows, columns))
