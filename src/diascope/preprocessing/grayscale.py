"""Convert RGB to grey."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from diascope.sample import Sample

_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Grayscale:
    """Convert RGB to one channel of luma; grey pictures stay unchanged.

    Source: ITU-R BT.601, as used by JPEG and Pillow.
    """

    api: ClassVar = (1, 0)

    def __call__(self, sample: Sample) -> Sample:
        if sample.pixels.shape[2] == 1:
            return sample
        luma = sample.pixels.astype(np.float64) @ _LUMA
        if np.issubdtype(sample.pixels.dtype, np.integer):
            luma = np.rint(luma)
        return sample.changed(luma.astype(sample.pixels.dtype)[:, :, None], "RGB turned to grey")
