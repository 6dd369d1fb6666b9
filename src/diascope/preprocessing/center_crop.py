"""Keep the middle of a picture."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from diascope.sample import Sample


@dataclass(frozen=True)
class CenterCrop:
    """Cut a window around the centre.

    Args:
        size: pixels of a side, or (height, width); a side shorter than that is left whole.
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
        kept = min(size[0], height), min(size[1], width)
        if kept == (height, width):
            return sample
        top, left = (height - kept[0]) // 2, (width - kept[1]) // 2
        window = sample.pixels[top : top + kept[0], left : left + kept[1]]
        note = f"center-cropped {width}x{height} to {kept[1]}x{kept[0]}"
        return sample.changed(np.ascontiguousarray(window), note)
