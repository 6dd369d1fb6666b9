"""Remove the tint of a slide's glass, which would otherwise pass for a stain."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_BRIGHT, _PALE = 180, 64  # of 255: the least brightness and the highest saturation of glass
_WINDOW, _SMOOTH = 7, 1.5  # pixels, grey levels: the highest standard deviation in a window
_WHITE = 254  # of 255: brightness of glass that is overexposed or was white-balanced
_PART = 0.01  # of the picture: the least glass from which its colour can be told
_NEUTRAL, _LIKE = 7, 14  # of 255: saturation of glass without a tint; of pixels like the glass
_MOSTLY = 0.4  # of the pixels like the glass: how many must be smooth


def remove_tint(picture: Image.Image) -> Image.Image:
    """Return a small RGB picture of a slide in which the glass is grey.

    Glass is bright, pale and, unlike tissue, smooth. Its colour is the median of such pixels, and
    each channel is scaled by it, since a tint absorbs light as a stain does. The picture is
    returned as it is if its glass is neutral, if it shows hardly any, or if most pixels of that
    colour are not smooth: they are pale tissue. So it is if a part is white, as that may be the
    glass, and what is smooth and coloured may be tissue.
    """
    _, saturation, value = np.moveaxis(np.asarray(picture.convert("HSV")), 2, 0)
    white = (value >= _WHITE) & (saturation <= 1)
    bright = value >= _BRIGHT
    glass = bright & (saturation <= _PALE) & _is_smooth(picture)
    if glass.mean() < _PART or white.mean() > _PART:
        return picture
    colour = np.median(np.asarray(picture)[glass], axis=0)
    if 255 * (1 - colour.min() / colour.max()) <= _NEUTRAL:
        return picture
    neutral = _scale(picture, colour.max() / colour)
    like_glass = bright & (np.asarray(neutral.convert("HSV"))[..., 1] <= _LIKE)
    return neutral if (glass & like_glass).sum() > _MOSTLY * like_glass.sum() else picture


def _is_smooth(picture: Image.Image) -> NDArray[np.bool_]:
    from scipy.ndimage import uniform_filter

    grey = np.asarray(picture.convert("L"), np.float32)
    variance = uniform_filter(grey**2, _WINDOW) - uniform_filter(grey, _WINDOW) ** 2
    smooth: NDArray[np.bool_] = variance <= _SMOOTH**2
    return smooth


def _scale(picture: Image.Image, factors: NDArray[np.float64]) -> Image.Image:
    """Multiply each channel by a factor of at least 1."""
    values = np.rint(np.arange(256) * factors[:, None]).clip(0, 255)
    return picture.point(values.astype(int).ravel().tolist())
