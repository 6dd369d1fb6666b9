"""What a whole slide is to the reader, whichever library opens it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

_EQUAL = 1.01  # a level that is coarser by so little counts as fine enough


class Level(NamedTuple):
    """One level of a pyramid.

    Attributes:
        height, width: in its own pixels.
        downsample: full-resolution pixels in one of its pixels, as (row, column).
    """

    height: int
    width: int
    downsample: tuple[float, float]


class Slide(Protocol):
    """An open slide. The backends raise whatever their library raises.

    Attributes:
        library: which one opened it, for the trace.
        levels: at least one, the finest first.
        spacing_um: size of a full-resolution pixel as (row, column) in micrometres, if known.
        notes: what was done to open it, for the trace.
        facts: what the file says of itself; see ``Sample``.
    """

    library: str
    levels: tuple[Level, ...]
    spacing_um: tuple[float, float] | None
    notes: tuple[str, ...]
    facts: Mapping[str, str]

    def region(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        """Return ``(height, width, 3)`` RGB.

        Args:
            x, y: left upper corner in pixels of that level; the whole region lies in the level.
        """

    def close(self) -> None:
        """Let go of the file."""


def pyramid_levels(sizes: Sequence[tuple[int, int]]) -> tuple[Level, ...]:
    """Make levels of their (height, width), the finest first.

    A level's size is a whole number of pixels, so a ratio of sizes is not quite the factor by
    which a level was reduced. Where a whole factor explains both sides, that one it was.
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
    """Return the level of just that scale, else the coarsest one that is as fine as wanted, or the
    finest if none is.

    Args:
        scale: full-resolution pixels in one wanted pixel, as (row, column).
    """
    same = [number for number, level in enumerate(levels) if level.downsample == scale]
    fine = [
        number
        for number, level in enumerate(levels)
        if all(level.downsample[axis] <= scale[axis] * _EQUAL for axis in (0, 1))
    ]
    return max(same or fine, default=0)
