"""The grid of tiles over a slide, and the fraction of each tile that a mask covers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from diascope.sample import Region
from diascope_slides.resample import Box

_SLIVER = 1e-3  # of a stride: a smaller remainder at the edge is a rounding error and gets no tile


@dataclass(frozen=True)
class Axis:
    """The tiles along one side of a slide; they begin at its start and cover it to the end.

    Attributes:
        length: length of the side in full-resolution pixels.
        scale: full-resolution pixels per tile pixel.
        tile: side of a tile in tile pixels.
        stride: distance from one tile to the next in tile pixels.
    """

    length: int
    scale: float
    tile: int
    stride: int

    @property
    def count(self) -> int:
        """Number of tiles that cover every pixel; at least one."""
        beyond = self.length / self.scale - self.tile
        return 1 + max(0, math.ceil(beyond / self.stride - _SLIVER))

    def start(self, number: int) -> float:
        """Return the start of a tile in full-resolution pixels."""
        return number * self.stride * self.scale

    def bounds(self, number: int) -> tuple[int, int]:
        """Return start and end of a tile, rounded to full-resolution pixels."""
        end = (number * self.stride + self.tile) * self.scale
        return round(self.start(number)), round(end)

    def pixels_inside(self, number: int) -> int:
        """Return how many of a tile's pixels lie inside the slide."""
        remaining = self.length / self.scale - number * self.stride
        return max(1, min(self.tile, math.ceil(remaining - _SLIVER)))

    def edges(self) -> NDArray[np.float64]:
        """Return ``(count, 2)``: start and end of each tile as fractions of the length, up to 1."""
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
        """Return the box of a tile, which may extend beyond the slide's edge."""
        (top, bottom), (left, right) = self.rows.bounds(row), self.columns.bounds(column)
        return Region(left, top, right - left, bottom - top)

    def size_inside(self, row: int, column: int) -> tuple[int, int]:
        """Return (height, width) of the part of a tile inside the slide, in tile pixels."""
        return self.rows.pixels_inside(row), self.columns.pixels_inside(column)

    def box(self, row: int, column: int) -> Box:
        """Return the part of a tile inside the slide, in full-resolution pixels."""
        height, width = self.size_inside(row, column)
        left, top = self.columns.start(column), self.rows.start(row)
        right, bottom = left + width * self.columns.scale, top + height * self.rows.scale
        return Box(left, top, right, bottom)

    def coverage(self, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return ``(rows, columns)``: the fraction of each tile that a mask of the slide covers.

        Parts of a tile beyond the slide's edge count as not covered. Where a slide is smaller than
        a tile, the fraction is that of the slide.
        """
        height, width = mask.shape
        sums = np.zeros((height + 1, width + 1))
        sums[1:, 1:] = mask.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
        sums = _sums_between(sums, self.rows.edges() * height)
        sums = _sums_between(sums.T, self.columns.edges() * width).T
        fractions: NDArray[np.float64] = sums / (
            _relative_side(self.rows) * height * _relative_side(self.columns) * width
        )
        return fractions


def _sums_between(sums: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sums over rows between pairs of edges, from cumulative sums.

    Edges within a row are interpolated.
    """
    low = np.minimum(np.floor(edges).astype(int), len(sums) - 2)
    part = (edges - low)[:, :, None]
    values = sums[low] * (1 - part) + sums[low + 1] * part
    differences: NDArray[np.float64] = values[:, 1] - values[:, 0]
    return differences


def _relative_side(axis: Axis) -> float:
    """Return a tile's side as a fraction of the slide's, at most 1."""
    return min(1.0, axis.tile * axis.scale / axis.length)
