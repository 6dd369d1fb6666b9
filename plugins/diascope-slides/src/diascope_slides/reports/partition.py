"""Cut overlapping tiles along each other's edges into cells that share no area."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Partition:
    """Cells that together cover what the tiles cover; tiles that share no area stay whole.

    Attributes:
        boxes: ``(m, 4)``: x, y, width and height of each cell.
        tiles: ``(k,)``: of each pair of a tile and a cell inside it, the tile.
        cells: ``(k,)``: the cell.
    """

    boxes: NDArray[np.int32]
    tiles: NDArray[np.intp]
    cells: NDArray[np.intp]

    @classmethod
    def of(cls, boxes: NDArray[np.int32]) -> "Partition":
        """Cut tiles, given as ``(n, 4)``, each of a pixel or more."""
        left, right, columns = _spans(boxes[:, 0], boxes[:, 2])
        top, bottom, rows = _spans(boxes[:, 1], boxes[:, 3])
        wide, counts = right - left, (right - left) * (bottom - top)
        tiles = np.repeat(np.arange(len(boxes)), counts)
        number = np.arange(len(tiles)) - np.repeat(counts.cumsum() - counts, counts)
        column = left[tiles] + number % wide[tiles]
        row = top[tiles] + number // wide[tiles]
        places, cells = np.unique(row * len(columns) + column, return_inverse=True)
        row, column = places // len(columns), places % len(columns)
        sides = (np.diff(columns)[column], np.diff(rows)[row])
        return cls(np.stack((columns[column], rows[row], *sides), axis=1), tiles, cells)

    def means(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return ``(m, L)``: of ``(n, L)`` scores, the mean over the tiles that cover each cell."""
        sums = [np.bincount(self.cells, column[self.tiles]) for column in scores.T]
        means = np.stack(sums, axis=1) / np.bincount(self.cells)[:, None]
        return means.astype(np.float32)

    @property
    def areas(self) -> NDArray[np.float64]:
        """``(m,)``: the area of each cell, in pixels."""
        areas: NDArray[np.float64] = self.boxes[:, 2:].prod(axis=1, dtype=np.float64)
        return areas

    def spread(self, weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return ``(m,)``: the ``(n,)`` weights of tiles, each spread evenly over its area."""
        shares = self.areas[self.cells]
        whole = np.bincount(self.tiles, shares)
        spread = np.bincount(self.cells, weights[self.tiles] * shares / whole[self.tiles])
        return spread.astype(np.float64)


def _spans(
    starts: NDArray[np.int32], lengths: NDArray[np.int32]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int32]]:
    """Return the first edge and the last one of each tile along an axis, as places in all edges."""
    edges = np.unique(np.concatenate((starts, starts + lengths)))
    return np.searchsorted(edges, starts), np.searchsorted(edges, starts + lengths), edges
