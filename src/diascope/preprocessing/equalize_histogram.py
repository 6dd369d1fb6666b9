"""Equalise the histogram of a whole picture."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from diascope.sample import Sample

_BINS = 1024


@dataclass(frozen=True)
class EqualizeHistogram:
    """Histogram equalisation over the whole picture, by scikit-image.

    All grey levels become equally frequent. This removes the effects of exposure, window and
    display, as far as they kept the order of grey levels, so that a network cannot learn from
    them. In colour pictures only the brightness (V of HSV) is equalised.

    Source: Gonzalez and Woods, "Digital Image Processing", histogram equalization.
    """

    api: ClassVar = (1, 0)

    def __call__(self, sample: Sample) -> Sample:
        from skimage.color import hsv2rgb, rgb2hsv
        from skimage.exposure import equalize_hist

        unit = np.clip(sample.unit(), 0, 1)
        if unit.shape[2] == 3:
            hsv = rgb2hsv(unit)
            hsv[:, :, 2] = equalize_hist(hsv[:, :, 2], nbins=_BINS)
            equalised = hsv2rgb(hsv)
        else:
            equalised = equalize_hist(unit[:, :, 0], nbins=_BINS)[:, :, None]
        return sample.repainted(equalised, "histogram equalised")
