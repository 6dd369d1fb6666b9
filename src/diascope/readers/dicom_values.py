"""Process each distinct value of a frame once, instead of each pixel."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BAND = 2**18  # pixels looked up at once, so that intermediate arrays fit into the cache
PaddingTest = Callable[[NDArray[Any]], NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class StoredFrame:
    """A decoded frame and the values to compute with.

    Attributes:
        pixels: ``(H, W)``, as stored.
        values: either the pixels themselves, or ``(n,)``, all values from the minimum to the
            maximum in ascending order; see ``from_distinct_values``.
        is_padding: returns a mask of the values that are padding, not measurements.
    """

    pixels: NDArray[Any]
    values: NDArray[Any]
    is_padding: PaddingTest

    @cached_property
    def padding(self) -> NDArray[np.bool_]:
        """Mask of the padding among ``values``."""
        return self.is_padding(self.values)

    def select_occurring(self, results: NDArray[Any]) -> NDArray[Any]:
        """Return the results of values that occur in the frame and are not padding.

        Their minimum and maximum are always included; others may be left out.

        Args:
            results: one result for each of ``values``, in the same shape.
        """
        ends = [0, -1]
        if self.values is self.pixels:
            return results[~self.padding]
        if not self.padding[ends].any() and _extremes(results) <= set(results[ends].tolist()):
            return results[ends]
        return results[self._counts > 0]

    def pixel_count(self, chosen: NDArray[np.bool_]) -> int:
        """Return the number of pixels that have the chosen values and are not padding."""
        return int(self._counts[chosen].sum())

    def padding_count(self) -> int:
        """Return the number of padding pixels."""
        return int(self.is_padding(self.pixels).sum()) if self.padding.any() else 0

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        counts: NDArray[np.int64]
        if self.values is self.pixels:
            counts = (~self.padding).astype(np.int64)
            return counts
        table = np.zeros(2 ** _bits(self.pixels), dtype=np.int64)
        for rows in self._bands():
            table += np.bincount(_codes(self.pixels[rows]).ravel(), minlength=len(table))
        counts = np.where(self.padding, 0, table[_codes(self.values)])
        return counts

    def to_image(self, results: NDArray[Any]) -> NDArray[Any]:
        """Return ``(H, W)``, the result of each pixel's value.

        Args:
            results: one result for each of ``values``, in the same shape.
        """
        if self.values is self.pixels:
            return results
        if results.dtype == self.values.dtype and np.array_equal(results, self.values):
            return self.pixels
        table = np.zeros(2 ** _bits(self.pixels), dtype=results.dtype)
        table[_codes(self.values)] = results
        pixels = np.empty(self.pixels.shape, dtype=results.dtype)
        for rows in self._bands():  # all codes are in range; "raise" would copy, "clip" is slower
            np.take(table, _codes(self.pixels[rows]), out=pixels[rows], mode="wrap")
        return pixels

    def _bands(self) -> Iterator[slice]:
        height, width = self.pixels.shape
        step = max(1, _BAND // width)
        return (slice(top, top + step) for top in range(0, height, step))


def from_pixels(pixels: NDArray[Any], is_padding: PaddingTest) -> StoredFrame:
    """Return a frame that is processed pixel by pixel."""
    return StoredFrame(pixels, pixels, is_padding)


def from_distinct_values(pixels: NDArray[Any], is_padding: PaddingTest) -> StoredFrame:
    """Return a frame that is processed by distinct values, if these are fewer than its pixels.

    Floats and integers of more than 16 bits have too many values: they get ``from_pixels``.
    """
    bits = _bits(pixels)
    if pixels.dtype.kind not in "iu" or bits > 16 or pixels.size <= 2**bits:
        return from_pixels(pixels, is_padding)
    values = np.arange(int(pixels.min()), int(pixels.max()) + 1).astype(pixels.dtype)
    return StoredFrame(pixels, values, is_padding)


def _extremes(results: NDArray[Any]) -> set[Any]:
    return {results.min().item(), results.max().item()}


def _bits(values: NDArray[Any]) -> int:
    return values.dtype.itemsize * 8


def _codes(values: NDArray[Any]) -> NDArray[Any]:
    """Return integers as table positions: their bits read as unsigned."""
    return values.view(f"u{values.dtype.itemsize}")
