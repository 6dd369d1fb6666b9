"""Find the tissue on a slide."""

import numpy as np
from numpy.typing import NDArray

from diascope_slides.glass import remove_tint

_LOWEST, _HIGHEST = 14, 31  # of 255: limits of the saturation threshold found by Otsu's method
_DARK, _GREY = 70, 20  # of 255: brightness, and difference between channels, below which it is ink
_GREEN, _BLUE = (50, 128), (128, 178)  # hues of 256: 70 to 180 and 180 to 250 degrees
_GREEN_INK, _BLUE_INK = 60, 140  # of 255: minimum saturation at which these hues are ink
_SMALL = 1e-4  # fraction of the picture: smaller specks and holes are ignored
_RIM = 3  # pixels around ink, where its edges blend into the glass


def tissue_mask(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return a mask of the tissue, ``(h, w)``, for a small picture of a slide, ``(h, w, 3)`` RGB.

    Tissue is coloured and glass is not, so Otsu's threshold (1979) on the saturation separates
    them, as in CLAM (Lu et al., 2021). But Otsu always finds two classes: on empty glass it splits
    the noise, and in a field full of tissue it removes the pale half. The threshold is therefore
    limited to 5 % to 12 % of saturation. If the glass has a tint, it is removed first.

    Ink is excluded: green (hue 70 to 180 degrees) and blue (180 to 250) that are more saturated
    than haematoxylin, which is violet (250 to 290) and pale at low resolution; and black, which is
    dark and has no hue, while dense epithelium is dark violet. Red ink has the hue of eosin and is
    kept.
    """
    from PIL import Image, ImageFilter
    from skimage.filters import threshold_otsu
    from skimage.morphology import remove_small_holes, remove_small_objects

    smooth = remove_tint(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(1)))
    hue, saturation, value = np.moveaxis(np.asarray(smooth.convert("HSV")), 2, 0)
    small = max(4, round(picture.shape[0] * picture.shape[1] * _SMALL))
    threshold = np.clip(threshold_otsu(saturation), _LOWEST, _HIGHEST)
    black = (value < _DARK) & (saturation / 255 * value < _GREY)
    excluded = remove_small_objects(black | _ink_mask(hue, saturation), max_size=small)
    tissue = (saturation > threshold) & ~_dilate(excluded)
    tissue = remove_small_objects(tissue, max_size=small)
    tissue = remove_small_holes(tissue, max_size=small)
    mask: NDArray[np.bool_] = tissue & ~excluded
    return mask


def _ink_mask(hue: NDArray[np.uint8], saturation: NDArray[np.uint8]) -> NDArray[np.bool_]:
    green = (hue >= _GREEN[0]) & (hue < _GREEN[1]) & (saturation >= _GREEN_INK)
    blue = (hue >= _BLUE[0]) & (hue < _BLUE[1]) & (saturation >= _BLUE_INK)
    return green | blue


def _dilate(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    from skimage.morphology import dilation, footprint_rectangle

    side = 2 * _RIM + 1
    dilated: NDArray[np.bool_] = dilation(mask, footprint_rectangle((side, side)))
    return dilated
