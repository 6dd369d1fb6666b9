"""Give every picture the same histogram."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from diascope.sample import Sample

_BINS = 1024


@dataclass(frozen=True)
class EqualizeHistogram:
    """Histogram equalisation over the whole picture, by scikit-image.

    All grey levels become equally frequent. What exposure, window and display did to a picture is
    undone, as far as it kept the order of the grey levels, so a network cannot read it. Of colour
    pictures, the brightness (V of HSV) is equalised.

    Source: Gonzalez and Woods, "Digital Image Processing", histogram equalization.
    """

    api: ClassVar = (1, 0)

    def __call__(self, sample: Sample) -> Sample:
        from skimage.color import hsv2rgb, rgb2hsv
        from skimage.exposure import equalize_hist

        unit = np.clip(sample.unit(), 0, 1)
        if unit.shape[2] == 3:
            even = rgb2hsv(unit)
            even[:, :, 2] = equalize_hist(even[:, :, 2], nbins=_BINS)
            even = hsv2rgb(even)
        else:
            even = equalize_hist(unit[:, :, 0], nbins=_BINS)[:, :, None]
        return sample.repainted(even, "histogram equalised")
