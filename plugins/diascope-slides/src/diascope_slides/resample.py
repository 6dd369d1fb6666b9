"""Pixels of any box of a slide at any scale, in little memory."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diascope.errors import ReadError
from diascope_slides.file_errors import describe_failure
from diascope_slides.slide import Slide

_MOST_PIXELS = 2048 * 2048  # held of a level at once
_DIGITS = 6  # of a pixel's position: what is nearer to a whole number is one


class Box(NamedTuple):
    """A part of a slide, in full-resolution pixels."""

    left: float
    top: float
    right: float
    bottom: float


class _Span(NamedTuple):
    """One side of what is read for a box, in pixels of a level.

    Attributes:
        start, stop: what is read: the box, and what the filter needs on both sides of it.
        repeat: how often the last pixel is repeated where the box ends outside the level.
        first, last: where the box begins and ends, counted from ``start``.
    """

    start: int
    stop: int
    repeat: int
    first: float
    last: float


def resample(slide: Slide, level: int, box: Box, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a box of a slide as ``(height, width, 3)`` RGB.

    Bilinear with anti-aliasing (Pillow's, support widened by the scale). The filter looks beyond
    the box, so parts that are resampled one by one fit together without a seam. A box may reach
    over the slide's edge by less than one wanted pixel; the edge is continued.

    Args:
        level: which one to read.
        box: at sub-pixel precision.
        size: (height, width) wanted.

    Raises:
        ReadError: if the level is damaged there; names the place.
    """
    height, width = size
    rows_at, columns_at = slide.levels[level].downsample
    source = (box.bottom - box.top) / rows_at * (box.right - box.left) / columns_at
    if source > _MOST_PIXELS and max(size) > 1:
        return _halves(slide, level, box, size)
    rows = _span(box.top / rows_at, box.bottom / rows_at, slide.levels[level].height, height)
    columns = _span(box.left / columns_at, box.right / columns_at, slide.levels[level].width, width)
    pixels = _read(slide, level, rows, columns)
    return _resized(pixels, rows, columns, size)


def _halves(slide: Slide, level: int, box: Box, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Cut the longer side between two wanted pixels and join what comes of the parts."""
    height, width = size
    if height >= width:
        half = height // 2
        middle = box.top + (box.bottom - box.top) * half / height
        first = resample(slide, level, box._replace(bottom=middle), (half, width))
        second = resample(slide, level, box._replace(top=middle), (height - half, width))
        return np.concatenate((first, second), axis=0)
    half = width // 2
    middle = box.left + (box.right - box.left) * half / width
    first = resample(slide, level, box._replace(right=middle), (height, half))
    second = resample(slide, level, box._replace(left=middle), (height, width - half))
    return np.concatenate((first, second), axis=1)


def _span(first: float, last: float, length: int, wanted: int) -> _Span:
    first, last = round(first, _DIGITS), round(last, _DIGITS)
    copied = first == int(first) and last - first == wanted  # no filter: tiles stay aligned
    support = 0 if copied else math.ceil(max(1.0, (last - first) / wanted))
    start = min(max(0, math.floor(first) - support), length - 1)
    stop = min(length, math.ceil(last) + support)
    return _Span(start, stop, max(0, math.ceil(last) - stop), first - start, last - start)


def _read(slide: Slide, level: int, rows: _Span, columns: _Span) -> NDArray[np.uint8]:
    width, height = columns.stop - columns.start, rows.stop - rows.start
    try:
        pixels = slide.region(level, columns.start, rows.start, width, height)
    except Exception as error:  # the libraries raise all kinds
        what, reason = describe_failure(error)
        raise ReadError(
            f"level {level} is {what} at x={columns.start}, y={rows.start} "
            f"({width}x{height} pixels of that level): {reason}"
        ) from error
    return np.pad(pixels, ((0, rows.repeat), (0, columns.repeat), (0, 0)), mode="edge")


def _resized(
    pixels: NDArray[np.uint8], rows: _Span, columns: _Span, size: tuple[int, int]
) -> NDArray[np.uint8]:
    from PIL import Image

    box = (columns.first, rows.first, columns.last, rows.last)
    whole = all(edge == int(edge) for edge in box)
    if whole and (rows.last - rows.first, columns.last - columns.first) == size:
        left, top, right, bottom = map(int, box)
        return pixels[top:bottom, left:right]
    bilinear = Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(pixels).resize((size[1], size[0]), bilinear, box=box))
