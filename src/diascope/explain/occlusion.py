"""Occlusion sensitivity: how far the logit falls when a part of the picture is hidden.

Source: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks"; here a part
is blurred, which is less unusual to a network than a grey square.
"""

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

_MAX_CELLS = 12  # per side
_BATCH = 16


@dataclass(frozen=True, eq=False)
class Occlusion:
    """How far a logit falls when each part of the picture is hidden.

    Attributes:
        map: ``(rows, columns)`` float32, the logit of the whole picture minus that with the part
            hidden.
        passes: the number of pictures that the network classified for it.
        seconds: how long that took.
    """

    map: NDArray[np.float32]
    passes: int
    seconds: float

    def agreement(self, evidence: NDArray[np.float32]) -> float | None:
        """Return Spearman's rank correlation with an evidence map, from -1 to 1.

        None if one of the maps is constant.
        """
        from scipy.stats import spearmanr

        cells = functional.adaptive_avg_pool2d(
            torch.from_numpy(evidence)[None, None], self.map.shape
        )
        ours, theirs = self.map.ravel(), cells.numpy().ravel()
        if np.ptp(ours) == 0 or np.ptp(theirs) == 0:
            return None
        return float(spearmanr(ours, theirs).statistic)


def measure_occlusion(
    network: nn.Module, batch: Tensor, output: int, grid: tuple[int, int]
) -> Occlusion:
    """Hide each part of a picture in turn: a square of two cells' side around each cell.

    Args:
        batch: ``(1, C, H, W)``.
        grid: (rows, columns) of the evidence map; at most 12 x 12 cells are used.
    """
    rows, columns = (min(_MAX_CELLS, cells) for cells in grid)
    start = time.perf_counter()
    hidden = blur(batch, rows, columns)
    masks = [_mask(batch, rows, columns, cell) for cell in range(rows * columns)]
    with torch.inference_mode():
        whole = network(batch)[0, output]
        falls = [
            whole - network(torch.where(torch.stack(some), hidden, batch))[:, output]
            for some in (masks[at : at + _BATCH] for at in range(0, len(masks), _BATCH))
        ]
    return Occlusion(
        map=torch.cat(falls).float().cpu().numpy().reshape(rows, columns),
        passes=rows * columns + 1,
        seconds=time.perf_counter() - start,
    )


def blur(batch: Tensor, rows: int, columns: int) -> Tensor:
    """Return a batch blurred to the detail of half as many rows and columns of cells."""
    coarse = functional.adaptive_avg_pool2d(batch, (max(1, rows // 2), max(1, columns // 2)))
    return functional.interpolate(coarse, batch.shape[2:], mode="bilinear", align_corners=False)


def _mask(batch: Tensor, rows: int, columns: int, cell: int) -> Tensor:
    """Return ``(1, H, W)``, true within the square around a cell."""
    height, width = batch.shape[2:]
    row, column = divmod(cell, columns)
    tall, wide = height / rows, width / columns
    top, left = math.floor((row - 0.5) * tall), math.floor((column - 0.5) * wide)
    bottom, right = math.ceil((row + 1.5) * tall), math.ceil((column + 1.5) * wide)
    mask = torch.zeros(1, height, width, dtype=torch.bool, device=batch.device)
    mask[:, max(0, top) : bottom, max(0, left) : right] = True
    return mask
