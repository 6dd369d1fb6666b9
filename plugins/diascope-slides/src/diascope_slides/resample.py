"""Read any box of a slide at any scale, with bounded memory."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diascope.errors import ReadError
from diascope_slides.file_errors import describe_failure
from diascope_slides.slide import Slide

_MAX_PIXELS = 2048 * 2048  # of a level in memory at once
_DIGITS = 6  # positions are rounded to this precision, so that nearly whole ones become whole


class Box(NamedTuple):
    """A part of a slide, in full-resolution pixels."""

    left: float
    top: float
    right: float
    bottom: float


class _Span(NamedTuple):
    """The range of pixels of a level to read along one side of a box.

    Attributes:
        start, stop: the range: the box and the margin that the filter needs on both sides.
        repeat: how often to repeat the last pixel if the box ends outside the level.
        first, last: start and end of the box, relative to ``start``.
    """

    start: int
    stop: int
    repeat: int
    first: float
    last: float


def resample(slide: Slide, level: int, box: Box, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a box of a slide as ``(height, width, 3)`` RGB.

    Bilinear with anti-aliasing (Pillow's, support widened by the scale). The filter also reads
    pixels around the box, so that parts resampled separately join without a seam. A box may extend
    beyond the slide's edge by less than one output pixel; the edge pixels are repeated there.

    Args:
        level: number of the level to read.
        box: the box, with sub-pixel precision.
        size: (height, width) of the output.

    Raises:
        ReadError: if the level is damaged there; names the position.
    """
    height, width = size
    rows_at, columns_at = slide.levels[level].downsample
    source = (box.bottom - box.top) / rows_at * (box.right - box.left) / columns_at
    if source > _MAX_PIXELS and max(size) > 1:
        return _resample_halves(slide, level, box, size)
    rows = _span(box.top / rows_at, box.bottom / rows_at, slide.levels[level].height, height)
    columns = _span(box.left / columns_at, box.right / columns_at, slide.levels[level].width, width)
    pixels = _read(slide, level, rows, columns)
    return _resize(pixels, rows, columns, size)


def _resample_halves(
    slide: Slide, level: int, box: Box, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Split the box between two output pixels of the longer side, and join the resampled halves."""
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


def _span(first: float, last: float, length: int, size: int) -> _Span:
    first, last = round(first, _DIGITS), round(last, _DIGITS)
    is_copied = first == int(first) and last - first == size  # no filter is needed
    support = 0 if is_copied else math.ceil(max(1.0, (last - first) / size))
    start = min(max(0, math.floor(first) - support), length - 1)
    stop = min(length, math.ceil(last) + support)
    return _Span(start, stop, max(0, math.ceil(last) - stop), first - start, last - start)


def _read(slide: Slide, level: int, rows: _Span, columns: _Span) -> NDArray[np.uint8]:
    width, height = columns.stop - columns.start, rows.stop - rows.start
    try:
        pixels = slide.region(level, columns.start, rows.start, width, height)
    except Exception as error:  # the libraries may raise any kind of error
        state, reason = describe_failure(error)
        raise ReadError(
            f"level {level} is {state} at x={columns.start}, y={rows.start} "
            f"({width}x{height} pixels of that level): {reason}"
        ) from error
    return np.pad(pixels, ((0, rows.repeat), (0, columns.repeat), (0, 0)), mode="edge")


def _resize(
    pixels: NDArray[np.uint8], rows: _Span, columns: _Span, size: tuple[int, int]
) -> NDArray[np.uint8]:
    from PIL import Image

    box = (columns.first, rows.first, columns.last, rows.last)
    is_whole = all(edge == int(edge) for edge in box)
    if is_whole and (rows.last - rows.first, columns.last - columns.first) == size:
        left, top, right, bottom = map(int, box)
        return pixels[top:bottom, left:right]
    bilinear = Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(pixels).resize((size[1], size[0]), bilinear, box=box))
