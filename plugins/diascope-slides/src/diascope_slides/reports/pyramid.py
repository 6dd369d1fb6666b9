"""Write a slide as a Deep Zoom pyramid: small JPEG files that a page can show without a server."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.errors import ReadError
from diascope.sample import Item, Overview
from diascope_slides.opening import open_slide
from diascope_slides.reports.proportions import stretched
from diascope_slides.resample import Box, resample
from diascope_slides.slide import Slide, level_for

_TILE, _OVERLAP = 510, 1  # pixels; 512 with the overlap on both sides
_STRIP = 512  # rows read at once


@dataclass(frozen=True)
class Pyramid:
    """Size and tiling of a pyramid, in pixels of its finest level."""

    height: int
    width: int
    tile: int = _TILE
    overlap: int = _OVERLAP


def write_pyramid(item: Item, overview: Overview, folder: Path, pixels: int) -> Pyramid:
    """Write ``folder_files/<level>/<column>_<row>.jpg`` of a slide, without any metadata.

    Args:
        overview: states the size of the slide when it was classified, and that of its pixels.
        pixels: maximum length of the longer side; a larger slide is scaled down.

    Raises:
        ReadError: if the slide cannot be opened, or is no longer the one that was classified.
        OSError: if the file is gone or was replaced.
    """
    import pyvips

    with open_slide(item) as (slide, _):
        finest = slide.levels[0]
        if (finest.height, finest.width) != tuple(overview.size):
            raise ReadError("it is no longer the slide that was classified: its size has changed")
        content = _read_reduced(slide, stretched(overview.size, overview), pixels)
    image: Any = pyvips.Image.new_from_array(content, interpretation="srgb")
    suffix = ".jpg[Q=80,keep=none]"
    image.dzsave(str(folder), suffix=suffix, tile_size=_TILE, overlap=_OVERLAP, depth="onepixel")
    Path(f"{folder}.dzi").unlink()  # browsers do not let a local page read it
    Path(f"{folder}_files", "vips-properties.xml").unlink()
    return Pyramid(*content.shape[:2])


def _read_reduced(slide: Slide, size: tuple[int, int], pixels: int) -> NDArray[np.uint8]:
    """Return ``(h, w, 3)``, read strip by strip from the coarsest level that is fine enough.

    Args:
        size: (height, width) to show the slide at; reduced if a side exceeds ``pixels``.
    """
    finest = slide.levels[0]
    scale = max(1.0, max(size) / pixels)
    height, width = (max(1, math.floor(side / scale)) for side in size)
    rows_at, columns_at = finest.height / height, finest.width / width
    level = level_for(slide.levels, (rows_at, columns_at))
    result = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _STRIP):
        bottom = min(height, top + _STRIP)
        box = Box(0, top * rows_at, finest.width, bottom * rows_at)
        result[top:bottom] = resample(slide, level, box, (bottom - top, width))
    return result
