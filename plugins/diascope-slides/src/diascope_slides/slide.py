"""The interface of an open slide, implemented by each backend."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

_EQUAL = 1.01  # a level that is coarser by at most this factor counts as fine enough


class Level(NamedTuple):
    """One level of a pyramid.

    Attributes:
        height, width: size in pixels of the level.
        downsample: full-resolution pixels per pixel of the level, as (row, column).
    """

    height: int
    width: int
    downsample: tuple[float, float]


class Slide(Protocol):
    """An open slide. Backends pass on the exceptions of their library.

    Attributes:
        library: the library that opened it, for the trace.
        levels: at least one level, the finest first.
        spacing_um: size of a full-resolution pixel as (row, column) in micrometres, if known.
        notes: trace lines on how it was opened.
        facts: facts stated by the file; see ``Sample``.
    """

    library: str
    levels: tuple[Level, ...]
    spacing_um: tuple[float, float] | None
    notes: tuple[str, ...]
    facts: Mapping[str, str]

    def region(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        """Return ``(height, width, 3)`` RGB.

        Args:
            x, y: upper left corner in pixels of the level; the region must lie inside the level.
        """

    def close(self) -> None:
        """Close the file."""


def pyramid_levels(sizes: Sequence[tuple[int, int]]) -> tuple[Level, ...]:
    """Return levels from their (height, width), the finest first.

    Sizes are rounded to whole pixels, so their ratio is not exactly the factor by which a level was
    reduced. If an integer factor explains both sides, that factor is used.
    """
    height, width = sizes[0]
    return tuple(Level(h, w, _downsample((height, width), (h, w))) for h, w in sizes)


def _downsample(full: tuple[int, int], size: tuple[int, int]) -> tuple[float, float]:
    longer = 0 if full[0] > full[1] else 1
    whole = round(full[longer] / size[longer])
    if all(abs(full[axis] - whole * size[axis]) < whole for axis in (0, 1)):
        return float(whole), float(whole)
    return full[0] / size[0], full[1] / size[1]


def level_for(levels: Sequence[Level], scale: tuple[float, float]) -> int:
    """Return the number of the level to read for a scale.

    This is the level of exactly that scale, or else the coarsest level that is fine enough, or else
    the finest level.

    Args:
        scale: full-resolution pixels per output pixel, as (row, column).
    """
    same = [number for number, level in enumerate(levels) if level.downsample == scale]
    fine = [
        number
        for number, level in enumerate(levels)
        if all(level.downsample[axis] <= scale[axis] * _EQUAL for axis in (0, 1))
    ]
    return max(same or fine, default=0)
