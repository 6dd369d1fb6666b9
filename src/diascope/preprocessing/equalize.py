"""Equalise local contrast."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Interval

from diascope.sample import Sample


@dataclass(frozen=True)
class Equalize:
    """Contrast-limited adaptive histogram equalisation (CLAHE), by scikit-image.

    In colour pictures only the brightness (V of HSV) is equalised.

    Source: Pizer et al. 1987, "Adaptive histogram equalization and its variations".

    Args:
        clip_limit: from 0 to 1; higher values give more contrast.
    """

    clip_limit: Annotated[float, Interval(ge=0, le=1)] = 0.01
    api: ClassVar = (1, 0)

    def __call__(self, sample: Sample) -> Sample:
        from skimage.exposure import equalize_adapthist

        unit = np.clip(sample.unit(), 0, 1)
        image = unit if unit.shape[2] == 3 else unit[:, :, 0]
        equalised = equalize_adapthist(image, clip_limit=self.clip_limit).reshape(unit.shape)
        return sample.repainted(equalised, f"contrast equalised (clip limit {self.clip_limit:g})")
