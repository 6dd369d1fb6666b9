"""Crop a picture around its centre."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from diascope.sample import Sample


@dataclass(frozen=True)
class CenterCrop:
    """Crop a window around the centre.

    Args:
        size: side length in pixels, or (height, width). A side shorter than that is kept whole.
    """

    size: int | tuple[int, int]
    api: ClassVar = (1, 0)

    def __post_init__(self) -> None:
        sides = (self.size,) if isinstance(self.size, int) else self.size
        if min(sides) < 1:
            raise ValueError(f"size must be at least 1, got {self.size}")

    def __call__(self, sample: Sample) -> Sample:
        height, width = sample.pixels.shape[:2]
        size = (self.size, self.size) if isinstance(self.size, int) else self.size
        rows, columns = min(size[0], height), min(size[1], width)
        if (rows, columns) == (height, width):
            return sample
        top, left = (height - rows) // 2, (width - columns) // 2
        window = sample.pixels[top : top + rows, left : left + columns]
        note = f"center-cropped {width}x{height} to {columns}x{rows}"
        return sample.changed(np.ascontiguousarray(window), note)
