"""Turn tiles of a slide into Samples."""

from dataclasses import dataclass

import numpy as np

from diascope.errors import ReadError
from diascope.sample import Item, Sample
from diascope_slides.grid import Grid
from diascope_slides.resample import resample
from diascope_slides.scale import Scale
from diascope_slides.slide import Slide, level_for

_WHITE = 255
_TOLERANCE = 1e-6  # a factor this close to 1 means that nothing was resampled


@dataclass(frozen=True)
class TileCutter:
    """Cuts tiles out of an open slide.

    Attributes:
        notes: first lines of the trace of every tile.
    """

    item: Item
    slide: Slide
    grid: Grid
    scale: Scale
    notes: tuple[str, ...]

    def sample(self, frame: int, row: int, column: int) -> Sample:
        """Return the tile at a row and column of the grid as a frame of the item.

        Raises:
            ReadError: if the slide is damaged there; names the tile and the level.
        """
        level = level_for(self.slide.levels, self.scale.factors)
        height, width = self.grid.size_inside(row, column)
        side = self.grid.rows.tile
        try:
            cut = resample(self.slide, level, self.grid.box(row, column), (height, width))
        except ReadError as error:
            where = f"tile {frame} (row {row}, column {column} of the grid)"
            raise ReadError(error.message, where=where, hint=error.hint) from error
        pixels = np.full((side, side, 3), _WHITE, np.uint8)
        pixels[:height, :width] = cut
        um = self.scale.um
        padding = _padding_note(side - height, side - width)
        return Sample(
            item=self.item,
            pixels=pixels,
            spacing_mm=None if um is None else (um / 1000, um / 1000),
            frame=frame,
            trace=(*self.notes, *self.scale.notes, self._level_note(level), *padding),
            facts=self.slide.facts,
            region=self.grid.region(row, column),
        )

    def _level_note(self, level: int) -> str:
        """Return the trace line on the level that was read and how it was resampled."""
        source = f"{self.slide.library}, level {level} of {len(self.slide.levels)}"
        downsample = self.slide.levels[level].downsample
        factors = [self.scale.factors[axis] / downsample[axis] for axis in (0, 1)]
        if all(abs(factor - 1) < _TOLERANCE for factor in factors):
            return f"{source}, as it is"
        down, across = map(_resized, factors)
        done = across if across == down else f"{across} across and {down} down"
        return f"{source}, {done} to {self.scale.um:g} um"


def _resized(factor: float) -> str:
    return f"reduced {factor:.4g} times" if factor > 1 else f"enlarged {1 / factor:.4g} times"


def _padding_note(below: int, right: int) -> tuple[str, ...]:
    if not below and not right:
        return ()
    return (f"padded with white beyond the slide's edge: {right} px right, {below} px below",)
