"""Derive the regular grid of the regions of a large picture from their boxes."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diascope.pages.heat import heat_map

_ROUNDING = 1.0  # pixels between a box and its cell; both are rounded
_MIN_PITCH = 8.0  # pixels; smaller cells cannot be told from rounding
_EPSILON = 1e-6


@dataclass(frozen=True)
class TileGrid:
    """Adjacent cells of equal size, from the upper left corner of the whole picture.

    Attributes:
        pitch: (height, width) of a cell in full-resolution pixels.
        shape: (rows, columns) of cells that cover the whole picture.
    """

    pitch: tuple[float, float]
    shape: tuple[int, int]

    @classmethod
    def from_boxes(cls, boxes: NDArray[np.int32], size: tuple[int, int]) -> "TileGrid | None":
        """Return the grid whose cells are the regions, or None if they do not form a grid.

        Every region starts within a pixel of its cell. If regions overlap, a cell is the part of a
        region up to the next one.

        Args:
            boxes: ``(n, 4)``: x, y, width and height of each region; at least one.
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
        """Return a map of ``shape``: the mean of ``(n,)`` scores in each cell, NaN without any."""
        height, width = (
            round(count * pitch) for count, pitch in zip(self.shape, self.pitch, strict=True)
        )
        return heat_map(boxes, scores, (height, width), self.shape)


def _axis(
    starts: NDArray[np.int32], lengths: NDArray[np.int32], side: int
) -> tuple[float, int] | None:
    """Return the pitch along one side and the number of cells; None if there is no pitch."""
    positions = np.unique(starts).astype(np.int64)
    length = int(lengths.min())
    pitch = _pitch(positions, length) if length > 0 else None
    if pitch is None:
        return None
    count = math.ceil((side - _ROUNDING) / pitch)
    return pitch, max(count, round(positions[-1] / pitch) + 1)


def _pitch(positions: NDArray[np.int64], length: int) -> float | None:
    """Return the largest pitch of which all positions are multiples, give or take a pixel.

    The candidates are the last position divided by a number of cells.

    Args:
        positions: starts of regions, ascending and rounded.
        length: length of a region, and maximum of the pitch, which is smaller if regions overlap.
    """
    last = int(positions[-1])
    if last == 0:
        return float(length)
    fewest = math.ceil(last / (length + _ROUNDING))
    for count in range(fewest, int(last / _MIN_PITCH) + 1):
        pitch = last / count
        deviation = np.abs(positions - np.rint(positions / pitch) * pitch)
        if deviation.max() <= _ROUNDING + _EPSILON:
            return pitch
    return None
