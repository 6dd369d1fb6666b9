"""Equalise the histogram of a whole picture."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from diascope.sample import Sample

_BINS = 1024


@dataclass(frozen=True)
class EqualizeHistogram:
    """Histogram equalisation over the whole picture, by scikit-image with 1,024 bins.

    All grey levels become equally frequent. This removes the effects of exposure, window and
    display, as far as they kept the order of grey levels, so that a network cannot learn from
    them. In colour pictures only the brightness (V of HSV) is equalised. A uniform picture, also
    one with rounding errors, becomes medium grey.

    Source: Gonzalez and Woods, "Digital Image Processing", histogram equalization.
    """

    api: ClassVar = (1, 0)

    def __call__(self, sample: Sample) -> Sample:
        from skimage.color import hsv2rgb, rgb2hsv

        unit = np.clip(sample.unit(), 0, 1)
        if unit.shape[2] == 3:
            hsv = rgb2hsv(unit)
            hsv[:, :, 2] = _equalise(hsv[:, :, 2])
            equalised = hsv2rgb(hsv)
        else:
            equalised = _equalise(unit[:, :, 0])[:, :, None]
        return sample.repainted(equalised, "histogram equalised")


def _equalise(values: NDArray[Any]) -> NDArray[Any]:
    """Return values ``(H, W)`` in [0, 1] with their histogram equalised."""
    from skimage.exposure import equalize_hist

    try:
        equalised: NDArray[Any] = equalize_hist(values, nbins=_BINS)
    except ValueError:  # the values differ by rounding errors, too little for so many bins
        equalised = equalize_hist(np.full_like(values, values.min()), nbins=_BINS)
    return equalised
