"""Equalise local contrast."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from diascope.sample import Sample


@dataclass(frozen=True)
class Equalize:
    """Contrast-limited adaptive histogram equalisation (CLAHE), by scikit-image.

    In colour pictures only the brightness (V of HSV) is equalised.

    Source: Pizer et al. 1987, "Adaptive histogram equalization and its variations".

    Args:
        clip_limit: from 0 to 1; higher values give more contrast.
    """

    clip_limit: float = 0.01
    api: ClassVar = (1, 0)

    def __post_init__(self) -> None:
        if not 0 <= self.clip_limit <= 1:
            raise ValueError(f"clip_limit must lie in [0, 1], got {self.clip_limit}")

    def __call__(self, sample: Sample) -> Sample:
        from skimage.exposure import equalize_adapthist

        unit = np.clip(sample.unit(), 0, 1)
        image = unit if unit.shape[2] == 3 else unit[:, :, 0]
        equalised = equalize_adapthist(image, clip_limit=self.clip_limit).reshape(unit.shape)
        return sample.repainted(equalised, f"contrast equalised (clip limit {self.clip_limit:g})")
