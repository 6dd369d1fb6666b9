"""Where the tiles of a slide lie, and how much of a mask each one holds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diascope.sample import Region
from diascope_slides.resample import Box

_SLIVER = 1e-3  # what is left of a tile's stride at an edge and is not worth a tile: rounding


@dataclass(frozen=True)
class Axis:
    """The tiles along one side of a slide, from its upper left corner to beyond its end.

    Attributes:
        length: of the slide, in full-resolution pixels.
        scale: full-resolution pixels in one pixel of a tile.
        tile: pixels of a tile.
        stride: pixels of a tile from one tile to the next.
    """

    length: int
    scale: float
    tile: int
    stride: int

    @property
    def count(self) -> int:
        """How many tiles it takes to cover every pixel; at least one."""
        beyond = self.length / self.scale - self.tile
        return 1 + max(0, math.ceil(beyond / self.stride - _SLIVER))

    def start(self, number: int) -> float:
        """Return where a tile begins, in full-resolution pixels."""
        return number * self.stride * self.scale

    def bounds(self, number: int) -> tuple[int, int]:
        """Return where a tile begins and ends, in whole full-resolution pixels."""
        end = (number * self.stride + self.tile) * self.scale
        return round(self.start(number)), round(end)

    def pixels_inside(self, number: int) -> int:
        """Return how many of a tile's pixels lie on the slide."""
        left = self.length / self.scale - number * self.stride
        return max(1, min(self.tile, math.ceil(left - _SLIVER)))

    def edges(self) -> NDArray[np.float64]:
        """Return ``(count, 2)``: begin and end of each tile as parts of the length, at most 1."""
        starts = np.arange(self.count) * self.stride * self.scale
        ends = starts + self.tile * self.scale
        return np.minimum(np.stack((starts, ends), axis=1) / self.length, 1.0)


@dataclass(frozen=True)
class Grid:
    """Square tiles over a slide, row by row."""

    rows: Axis
    columns: Axis

    @classmethod
    def over(cls, size: tuple[int, int], scale: Sequence[float], tile: int, overlap: int) -> "Grid":
        """Lay tiles over a slide of (height, width) at a scale of (row, column)."""
        rows, columns = (Axis(size[i], scale[i], tile, tile - overlap) for i in (0, 1))
        return cls(rows, columns)

    def region(self, row: int, column: int) -> Region:
        """Return the box of a tile, which may reach over the slide's edge."""
        (top, bottom), (left, right) = self.rows.bounds(row), self.columns.bounds(column)
        return Region(left, top, right - left, bottom - top)

    def size_inside(self, row: int, column: int) -> tuple[int, int]:
        """Return (height, width) of the part of a tile that lies on the slide, in its pixels."""
        return self.rows.pixels_inside(row), self.columns.pixels_inside(column)

    def box(self, row: int, column: int) -> Box:
        """Return that part of a tile in full-resolution pixels."""
        height, width = self.size_inside(row, column)
        left, top = self.columns.start(column), self.rows.start(row)
        right, bottom = left + width * self.columns.scale, top + height * self.rows.scale
        return Box(left, top, right, bottom)

    def coverage(self, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return ``(rows, columns)``: how much of each tile a mask of the whole slide covers.

        1 is a tile that the mask covers wholly; what lies off the slide counts as not covered.
        A slide that is smaller than a tile is compared with the slide.
        """
        height, width = mask.shape
        sums = np.zeros((height + 1, width + 1))
        sums[1:, 1:] = mask.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
        sums = _at(sums, self.rows.edges() * height)
        sums = _at(sums.T, self.columns.edges() * width).T
        shares: NDArray[np.float64] = sums / (
            _whole(self.rows) * height * _whole(self.columns) * width
        )
        return shares


def _at(sums: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what running sums over rows grow by between edges, which may lie within a row."""
    low = np.minimum(np.floor(edges).astype(int), len(sums) - 2)
    part = (edges - low)[:, :, None]
    values = sums[low] * (1 - part) + sums[low + 1] * part
    growth: NDArray[np.float64] = values[:, 1] - values[:, 0]
    return growth


def _whole(axis: Axis) -> float:
    """Return a tile's side as a part of the length, at most 1."""
    return min(1.0, axis.tile * axis.scale / axis.length)
