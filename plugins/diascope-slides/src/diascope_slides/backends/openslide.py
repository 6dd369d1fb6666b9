"""Slides in the scanners' own formats, by OpenSlide: SVS, NDPI, MRXS, SCN, BIF, tiled TIFF."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from openslide import PROPERTY_NAME_MPP_X, PROPERTY_NAME_MPP_Y, OpenSlide
from PIL import Image

from diascope_slides.slide import pyramid


class OpenSlideSlide:
    """See ``Slide``. What a scanner left out, and what is transparent, is white."""

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self._slide = OpenSlide(path)
        self.facts: Mapping[str, str] = {}
        properties = self._slide.properties
        self.library = f"OpenSlide ({properties.get('openslide.vendor')})"
        self.levels = pyramid([(h, w) for w, h in self._slide.level_dimensions])
        named = (properties.get(PROPERTY_NAME_MPP_Y), properties.get(PROPERTY_NAME_MPP_X))
        rows, columns = (float(value or "nan") for value in named)
        known = 0 < rows < math.inf and 0 < columns < math.inf
        self.spacing_um = (rows, columns) if known else None

    def region(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        factor = self._slide.level_downsamples[level]
        place = round(x * factor), round(y * factor)
        image = self._slide.read_region(place, level, (width, height))
        if image.getextrema()[3] == (255, 255):
            return np.asarray(image.convert("RGB"))
        ground = Image.new("RGBA", image.size, "white")
        return np.asarray(Image.alpha_composite(ground, image).convert("RGB"))

    def close(self) -> None:
        self._slide.close()
