"""What the answer loses when a part of the picture is hidden, and whether the evidence agrees.

Source: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks"; here a part
is hidden by its own blurred colours, which a network finds less strange than a grey square.
"""

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

_CELLS = 12  # to a side at most
_AT_ONCE = 16  # pictures given to the network together


@dataclass(frozen=True, eq=False)
class Occlusion:
    """What hiding each part of the picture takes from a logit.

    Attributes:
        map: ``(rows, columns)`` float32, the logit of the whole picture less that without the part.
        passes: pictures that the network had to look at.
        seconds: how long that took.
    """

    map: NDArray[np.float32]
    passes: int
    seconds: float

    def agreement(self, evidence: NDArray[np.float32]) -> float | None:
        """Return Spearman's rank correlation with an evidence map, from -1 to 1.

        None if one of the maps is the same everywhere.
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
    """Hide one part of a batch ``(1, C, H, W)`` after the other.

    Args:
        grid: (rows, columns) of the evidence map; finer ones are taken as 12 x 12. Around each
            cell a square of two cells' side is hidden.
    """
    rows, columns = (min(_CELLS, cells) for cells in grid)
    start = time.perf_counter()
    hidden = blur(batch, rows, columns)
    masks = [_mask(batch, rows, columns, cell) for cell in range(rows * columns)]
    with torch.inference_mode():
        whole = network(batch)[0, output]
        falls = [
            whole - network(torch.where(torch.stack(some), hidden, batch))[:, output]
            for some in (masks[at : at + _AT_ONCE] for at in range(0, len(masks), _AT_ONCE))
        ]
    return Occlusion(
        map=torch.cat(falls).float().cpu().numpy().reshape(rows, columns),
        passes=rows * columns + 1,
        seconds=time.perf_counter() - start,
    )


def blur(batch: Tensor, rows: int, columns: int) -> Tensor:
    """Return a batch with no more detail than half as many cells can show."""
    coarse = functional.adaptive_avg_pool2d(batch, (max(1, rows // 2), max(1, columns // 2)))
    return functional.interpolate(coarse, batch.shape[2:], mode="bilinear", align_corners=False)


def _mask(batch: Tensor, rows: int, columns: int, cell: int) -> Tensor:
    """Return ``(1, H, W)``, true in the square around a cell."""
    height, width = batch.shape[2:]
    row, column = divmod(cell, columns)
    tall, wide = height / rows, width / columns
    top, left = math.floor((row - 0.5) * tall), math.floor((column - 0.5) * wide)
    bottom, right = math.ceil((row + 1.5) * tall), math.ceil((column + 1.5) * wide)
    mask = torch.zeros(1, height, width, dtype=torch.bool, device=batch.device)
    mask[:, max(0, top) : bottom, max(0, left) : right] = True
    return mask
