"""Remove dark hairs: find them by morphological closing and paint them over."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from diascope.sample import Sample

_CLOSINGS, _OPENINGS = 4, 12
"""Numbers of line directions for finding thin and straight structures."""

_MIN_DARK_FRACTION = 0.85
"""Fraction of a line that must be dark; less than 1, since hairs bend."""

_SEARCH_SIDE = 150
"""Pixels of the shorter side at which hairs are searched; larger pictures are averaged down."""

_LUMA = (0.2126, 0.7152, 0.0722)
"""Weights of red, green and blue in the brightness, by Rec. 709."""


@dataclass(frozen=True)
class HairRemoval:
    """Paint dark hairs over with the surrounding skin.

    A hair is what is darker (by BT.709) than its morphological closing with short lines, and lies
    on a straight line of which 85 % are such pixels. Hairs are searched on a picture whose shorter
    side has about 150 pixels. Each hair pixel is replaced by the Gaussian-weighted mean of the
    pixels around it that are not hair. Light hairs stay, and thin dark lines of a pigment network
    may be taken for hairs.

    Source: Lee et al. 1997, "DullRazor: a software approach to hair removal from images", for
    finding hairs; Knutsson and Westin 1993, "Normalized and differential convolution", for painting
    them over.

    Args:
        width: of the thickest hair, as a fraction of the picture's shorter side.
        length: of the shortest straight piece of hair, as a fraction of the shorter side.
        contrast: by how much a hair is darker than the skin beside it, as a fraction of the range
            from black to white.
    """

    width: Annotated[float, Interval(gt=0, lt=0.1)] = 0.02
    length: Annotated[float, Interval(gt=0, lt=0.5)] = 0.1
    contrast: Annotated[float, Interval(gt=0, lt=1)] = 0.06
    api: ClassVar = (1, 0)

    def __call__(self, sample: Sample) -> Sample:
        unit = sample.unit()
        side = min(unit.shape[:2])
        factor = max(1, side // _SEARCH_SIDE)
        line, length = (
            2 * round(share * side / factor / 2) + 1 for share in (2 * self.width, self.length)
        )
        small = _block_means(_brightness(unit), factor)
        hairs = _enlarge_mask(
            _find_hairs(small, line, length, self.contrast), factor, unit.shape[:2]
        )
        if not hairs.any():
            return sample.changed(sample.pixels, "hair-removal: no hair found")
        note = f"hair-removal: {hairs.mean():.1%} of the picture painted over"
        return sample.repainted(_fill_hairs(unit, hairs, line * factor / 2), note)


def _brightness(unit: NDArray[np.float32]) -> NDArray[np.float32]:
    if unit.shape[2] != 3:
        return unit[:, :, 0]
    return unit @ np.array(_LUMA, np.float32)


def _block_means(grey: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return the means of ``factor`` x ``factor`` blocks; incomplete ones are edge-padded."""
    if factor == 1:
        return grey
    over = [(0, -side % factor) for side in grey.shape]
    rows, columns = (side + more for side, (_, more) in zip(grey.shape, over, strict=True))
    squares = np.pad(grey, over, mode="edge").reshape(
        rows // factor, factor, columns // factor, factor
    )
    means: NDArray[np.float32] = squares.mean((1, 3))
    return means


def _enlarge_mask(
    hairs: NDArray[np.bool_], factor: int, size: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Return the mask enlarged to the size of the picture."""
    return hairs.repeat(factor, 0).repeat(factor, 1)[: size[0], : size[1]]


def _find_hairs(
    grey: NDArray[np.float32], line: int, length: int, contrast: float
) -> NDArray[np.bool_]:
    """Return the mask of hairs, dilated by one pixel."""
    from scipy import ndimage

    closed = [ndimage.grey_closing(grey, footprint=each) for each in _line_masks(line, _CLOSINGS)]
    dark = np.max(closed, axis=0) - grey > contrast
    straight = [_on_dark_lines(dark, each) for each in _line_masks(length, _OPENINGS)]
    hairs: NDArray[np.bool_] = ndimage.binary_dilation(np.any(straight, axis=0), np.ones((3, 3)))
    return hairs


def _on_dark_lines(dark: NDArray[np.bool_], line: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the dark pixels on lines that are almost entirely dark."""
    from scipy import ndimage

    count = ndimage.correlate(dark.astype(np.float32), line.astype(np.float32), mode="constant")
    within: NDArray[np.bool_] = ndimage.binary_dilation(
        count >= _MIN_DARK_FRACTION * line.sum(), line
    )
    return within & dark


def _line_masks(length: int, directions: int) -> list[NDArray[np.bool_]]:
    """Return masks of lines of odd ``length`` in pixels, at evenly spaced angles in [0, 180)."""
    reach = length // 2
    steps = np.linspace(-1, 1, 2 * length) * reach
    lines = []
    for angle in np.arange(directions) * np.pi / directions:
        line = np.zeros((length, length), bool)
        rows, columns = steps * np.sin(angle), steps * np.cos(angle)
        line[np.rint(rows).astype(int) + reach, np.rint(columns).astype(int) + reach] = True
        lines.append(line)
    return lines


def _fill_hairs(
    unit: NDArray[np.float32], hairs: NDArray[np.bool_], sigma: float
) -> NDArray[np.float32]:
    """Return the picture with hairs replaced by the weighted mean of the surrounding skin."""
    from scipy import ndimage

    skin = (~hairs).astype(np.float32)[:, :, None]
    seen = ndimage.gaussian_filter(unit * skin, (sigma, sigma, 0))
    weight = ndimage.gaussian_filter(skin, (sigma, sigma, 0))
    there = hairs & (weight[:, :, 0] > 1e-3)
    filled = unit.copy()
    filled[there] = (seen / np.maximum(weight, 1e-3))[there]
    return filled
