"""A small picture of the whole slide, and its tissue mask."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from diascope.sample import Overview
from diascope_slides.resample import Box, resample
from diascope_slides.slide import Slide, level_for
from diascope_slides.tissue import tissue_mask

_MASK_SIDE, _PICTURE_SIDE = 2048, 1024


class Survey(NamedTuple):
    """A slide at low resolution.

    Attributes:
        picture: ``(h, w, 3)`` RGB, at most 2,048 pixels on its longer side.
        mask: ``(h, w)``, true on the tissue to classify.
    """

    picture: NDArray[np.uint8]
    mask: NDArray[np.bool_]

    def overview(
        self,
        size: tuple[int, int],
        spacing_um: tuple[float, float] | None,
        counts: Mapping[str, int],
    ) -> Overview:
        """Return the overview for the first tile: picture and mask of at most 1,024 pixels.

        Args:
            size: (height, width) of the slide in full-resolution pixels.
            spacing_um: size of a full-resolution pixel as (row, column), if known or assumed.
            counts: numbers of tiles.
        """
        from PIL import Image

        factor = max(1.0, max(self.mask.shape) / _PICTURE_SIDE)
        height, width = (max(1, round(side / factor)) for side in self.mask.shape)
        box = Image.Resampling.BOX
        picture = Image.fromarray(self.picture).resize((width, height), box)
        mask = Image.fromarray(self.mask.astype(np.uint8) * 255).resize((width, height), box)
        return Overview(
            picture=np.asarray(picture),
            mask=np.asarray(mask) > 127,
            size=size,
            spacing_mm=spacing_um and (spacing_um[0] / 1000, spacing_um[1] / 1000),
            counts=dict(counts),
        )


def survey(slide: Slide) -> Survey:
    """Return a slide at low resolution; no level is held in memory as a whole.

    Raises:
        ReadError: if the level that is read is damaged; names the position.
    """
    finest = slide.levels[0]
    factor = max(1.0, max(finest.height, finest.width) / _MASK_SIDE)
    size = math.ceil(finest.height / factor), math.ceil(finest.width / factor)
    scale = finest.height / size[0], finest.width / size[1]
    level = level_for(slide.levels, scale)
    picture = resample(slide, level, Box(0, 0, finest.width, finest.height), size)
    return Survey(picture, tissue_mask(picture))
