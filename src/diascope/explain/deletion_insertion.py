"""Whether the answer follows the evidence: the score as ever more of the picture is hidden.

Deletion hides the cells with the most evidence first: the sooner the score falls, the better the
map. Insertion shows them first: the sooner it rises, the better. In random order both are the same.

Source: Petsiuk, Das and Saenko 2018, "RISE"; here what is hidden is blurred, as in ``occlusion``.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from diascope.explain.occlusion import blur

_STEPS = 10  # from the whole picture to none of it


class DeletionInsertion(NamedTuple):
    """Areas under the curves of the score, over the share of the picture that is seen."""

    deletion: float
    insertion: float
    random: float


def measure_deletion_insertion(
    network: nn.Module,
    batch: Tensor,
    evidence: NDArray[np.float32],
    score: Callable[[Tensor], NDArray[np.float64]],
    random: np.random.Generator,
) -> DeletionInsertion:
    """Hide and show a batch ``(1, C, H, W)`` cell by cell.

    Args:
        evidence: ``(h, w)``, a number a cell.
        score: from logits ``(n, L)`` to the score ``(n,)`` of the label that the evidence is for.
        random: draws the order that the evidence is measured against.
    """
    rank = np.argsort(np.argsort(-evidence, axis=None, kind="stable"))
    last = len(rank) - 1
    orders = (last - rank, rank, random.permutation(len(rank)))  # who is seen first
    counts = np.rint(np.linspace(0, len(rank), _STEPS + 1))
    seen = np.concatenate([order < counts[:, None] for order in orders])
    scores = score(_masked_logits(network, batch, seen.reshape(-1, *evidence.shape)))
    curves = scores.reshape(len(orders), -1)
    return DeletionInsertion(*(float((curve[1:] + curve[:-1]).mean() / 2) for curve in curves))


def _masked_logits(network: nn.Module, batch: Tensor, seen: NDArray[np.bool_]) -> Tensor:
    """Return the logits ``(n, L)`` of the picture with only the cells ``(n, h, w)`` seen."""
    rows, columns = seen.shape[1:]
    cells = torch.from_numpy(seen[:, None].astype(np.float32)).to(batch.device)
    masks = functional.interpolate(cells, batch.shape[2:], mode="nearest") > 0.5
    with torch.inference_mode():
        logits: Tensor = network(torch.where(masks, batch, blur(batch, rows, columns)))
    return logits
