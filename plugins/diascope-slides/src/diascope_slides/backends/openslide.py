"""Open slides in the scanners' formats with OpenSlide: SVS, NDPI, MRXS, SCN, BIF, tiled TIFF."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from openslide import (
    PROPERTY_NAME_BOUNDS_HEIGHT,
    PROPERTY_NAME_BOUNDS_WIDTH,
    PROPERTY_NAME_BOUNDS_X,
    PROPERTY_NAME_BOUNDS_Y,
    PROPERTY_NAME_MPP_X,
    PROPERTY_NAME_MPP_Y,
    OpenSlide,
)
from PIL import Image

from diascope_slides.slide import Level, pyramid_levels

_BOUNDS = (
    PROPERTY_NAME_BOUNDS_X,
    PROPERTY_NAME_BOUNDS_Y,
    PROPERTY_NAME_BOUNDS_WIDTH,
    PROPERTY_NAME_BOUNDS_HEIGHT,
)


class OpenSlideSlide:
    """See ``Slide``. Regions that were not scanned, and transparent ones, are white.

    If the scanner states the bounds of the scanned region, the slide is cropped to them, as in
    QuPath; the canvas around them is empty.
    """

    def __init__(self, path: Path) -> None:
        self._slide = OpenSlide(path)
        self.facts: Mapping[str, str] = {}
        properties = self._slide.properties
        self.library = f"OpenSlide ({properties.get('openslide.vendor')})"
        canvas = pyramid_levels([(h, w) for w, h in self._slide.level_dimensions])
        bounds = _bounds(self._slide)
        self._left, self._top, width, height = bounds
        self.levels = tuple(_crop(level, height, width) for level in canvas)
        size = f"{width}x{height} of {canvas[0].width}x{canvas[0].height} pixels"
        is_cropped = bounds != (0, 0, *self._slide.dimensions)
        self.notes: tuple[str, ...] = (
            (f"cut to its bounds, {size} from x={self._left}, y={self._top}",) if is_cropped else ()
        )
        stated = (properties.get(PROPERTY_NAME_MPP_Y), properties.get(PROPERTY_NAME_MPP_X))
        rows, columns = (float(value or "nan") for value in stated)
        is_known = 0 < rows < math.inf and 0 < columns < math.inf
        self.spacing_um = (rows, columns) if is_known else None

    def region(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        factor = self._slide.level_downsamples[level]
        position = self._left + round(x * factor), self._top + round(y * factor)
        image = self._slide.read_region(position, level, (width, height))
        if image.getextrema()[3] == (255, 255):
            return np.asarray(image.convert("RGB"))
        background = Image.new("RGBA", image.size, "white")
        return np.asarray(Image.alpha_composite(background, image).convert("RGB"))

    def close(self) -> None:
        self._slide.close()


def _bounds(slide: OpenSlide) -> tuple[int, int, int, int]:
    """Return left, top, width and height of the scanned region, or of the canvas if not stated."""
    if all(name in slide.properties for name in _BOUNDS):
        left, top, width, height = (int(slide.properties[name]) for name in _BOUNDS)
        if min(width, height) > 0:
            return left, top, width, height
    return 0, 0, *slide.dimensions


def _crop(level: Level, height: int, width: int) -> Level:
    """Return a level of the canvas as a level of the cropped slide, with the same downsample."""
    rows, columns = level.downsample
    return Level(
        min(level.height, math.ceil(height / rows)),
        min(level.width, math.ceil(width / columns)),
        level.downsample,
    )
