"""The lattice that the regions of a large picture lie on, told from their boxes."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diascope.pages.heat import heat_map

_ROUNDED = 1.0  # pixels that a box may lie beside its cell: both are rounded
_LEAST = 8.0  # pixels of a cell that are enough to tell it from the next one
_TINY = 1e-6


@dataclass(frozen=True)
class TileGrid:
    """Cells of one size side by side, from the upper left corner of the whole picture.

    Attributes:
        pitch: (height, width) of a cell, in pixels of the whole picture at its finest.
        shape: (rows, columns) that cover the whole picture.
    """

    pitch: tuple[float, float]
    shape: tuple[int, int]

    @classmethod
    def from_boxes(cls, boxes: NDArray[np.int32], size: tuple[int, int]) -> "TileGrid | None":
        """Return the lattice whose cells are the regions; None if they lie on none.

        Every region begins within a pixel of its cell. Of regions that overlap, a cell is what
        one has for itself.

        Args:
            boxes: ``(n, 4)``: x, y, width and height of each region, n at least 1.
            size: (height, width) of the whole picture.
        """
        rows = _axis(boxes[:, 1], boxes[:, 3], size[0])
        columns = _axis(boxes[:, 0], boxes[:, 2], size[1])
        if rows is None or columns is None:
            return None
        return cls((rows[0], columns[0]), (rows[1], columns[1]))

    def score_map(
        self, boxes: NDArray[np.int32], scores: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return ``shape``: the mean of ``(n,)`` scores over each cell, NaN where there is none."""
        height, width = (
            round(count * pitch) for count, pitch in zip(self.shape, self.pitch, strict=True)
        )
        return heat_map(boxes, scores, (height, width), self.shape)


def _axis(
    starts: NDArray[np.int32], lengths: NDArray[np.int32], whole: int
) -> tuple[float, int] | None:
    """Return the pitch along one side and how many cells cover it; None if there is no pitch."""
    places = np.unique(starts).astype(np.int64)
    length = int(lengths.min())
    pitch = _pitch(places, length) if length > 0 else None
    if pitch is None:
        return None
    covering = math.ceil((whole - _ROUNDED) / pitch)
    return pitch, max(covering, round(places[-1] / pitch) + 1)


def _pitch(places: NDArray[np.int64], length: int) -> float | None:
    """Return the widest pitch that all places are multiples of, give or take a pixel.

    It is that of the farthest place, divided by the number of cells before it.

    Args:
        places: where regions begin, ascending; rounded.
        length: of a region, the widest that a cell may be; regions that overlap have narrower ones.
    """
    farthest = int(places[-1])
    if farthest == 0:
        return float(length)
    fewest = math.ceil(farthest / (length + _ROUNDED))
    for count in range(fewest, int(farthest / _LEAST) + 1):
        pitch = farthest / count
        beside = np.abs(places - np.rint(places / pitch) * pitch)
        if beside.max() <= _ROUNDED + _TINY:
            return pitch
    return None
