"""Where on a slide there is tissue."""

import numpy as np
from numpy.typing import NDArray

_LOWEST, _HIGHEST = 14, 31  # of 255: the saturation at which tissue begins, wherever Otsu puts it
_DARK = 70  # of 255: darker than stained tissue ever is when seen from afar
_GREEN, _BLUE = (50, 128), (128, 178)  # hues of 256: 70 to 180 and 180 to 250 degrees
_GREEN_INK, _BLUE_INK = 60, 140  # of 255: the saturation at which these hues are ink
_SMALL = 1e-4  # of the picture: specks and holes of less do not count
_RIM = 3  # pixels around ink and folds where their edges blend into the glass


def tissue_mask(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return ``(h, w)``, true on tissue, for the whole slide made small, ``(h, w, 3)`` RGB.

    Tissue has a colour and glass has none, so Otsu's threshold (1979) on the saturation tells them
    apart, as in CLAM (Lu et al., 2021). Otsu always finds two classes, though: on empty glass it
    divides noise, on a field full of tissue it takes the pale half away. The threshold is
    therefore kept between 5 % and 12 % of saturation.

    Left out is ink: green (hue 70 to 180 degrees) and blue (180 to 250) that are more saturated
    than haematoxylin, which is violet (250 to 290) and pale from afar. So is all that is as dark
    as black ink and folds. Red ink has the hue of eosin and stays.
    """
    from PIL import Image, ImageFilter
    from skimage.filters import threshold_otsu
    from skimage.morphology import remove_small_holes, remove_small_objects

    smooth = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(1))
    hue, saturation, value = np.moveaxis(np.asarray(smooth.convert("HSV")), 2, 0)
    small = max(4, round(picture.shape[0] * picture.shape[1] * _SMALL))
    threshold = np.clip(threshold_otsu(saturation), _LOWEST, _HIGHEST)
    stray = remove_small_objects((value < _DARK) | _ink(hue, saturation), max_size=small)
    tissue = (saturation > threshold) & ~_widened(stray)
    tissue = remove_small_objects(tissue, max_size=small)
    tissue = remove_small_holes(tissue, max_size=small)
    mask: NDArray[np.bool_] = tissue & ~stray
    return mask


def _ink(hue: NDArray[np.uint8], saturation: NDArray[np.uint8]) -> NDArray[np.bool_]:
    green = (hue >= _GREEN[0]) & (hue < _GREEN[1]) & (saturation >= _GREEN_INK)
    blue = (hue >= _BLUE[0]) & (hue < _BLUE[1]) & (saturation >= _BLUE_INK)
    return green | blue


def _widened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    from skimage.morphology import dilation, footprint_rectangle

    side = 2 * _RIM + 1
    wide: NDArray[np.bool_] = dilation(mask, footprint_rectangle((side, side)))
    return wide
