"""Whole slides, cut into tiles at a stated spacing."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from diascope.errors import NoPictureError
from diascope.sample import Item, Sample
from diascope_slides.detect import detect_kind
from diascope_slides.grid import Grid
from diascope_slides.options import Missing

_ROUNDING = 1e-9  # of sums of parts
_SURE, _MAYBE = 100, 30  # an ordinary picture is rather for the reader of pictures


@dataclass(frozen=True)
class SlideReader:
    """Whole slides: SVS, NDPI, MRXS, SCN, BIF, DICOM, OME-TIFF, tiled TIFF; PNG and JPEG too.

    A tile is ``(tile, tile, 3)`` uint8 RGB at exactly the spacing that is asked for, from the
    nearest finer level. Tiles lie side by side from the slide's upper left corner, row by row,
    until they cover it; those that hold enough tissue are read. What reaches over the edge is
    white. All that was done is in the trace.

    Args:
        spacing_um: size of a tile's pixel in micrometres.
        tile: pixels on a tile's side.
        overlap: pixels that a tile shares with the next one.
        missing: what to do with a slide that does not state its spacing. ``fail``;
            ``{assume: 0.5}``, take that many micrometres for a full-resolution pixel;
            ``{level: 0}``, take the pixels of that level as they are, with no spacing.
        tissue: least part of a tile that must be tissue, from 0, which takes every tile, to 1.
    """

    spacing_um: float = 0.5
    tile: int = 224
    overlap: int = 0
    missing: Missing = "fail"
    tissue: float = 0.25
    api: ClassVar = (1, 2)

    def __post_init__(self) -> None:
        if not 0 < self.spacing_um < math.inf:
            raise ValueError(f"spacing_um must be above 0, got {self.spacing_um}")
        if self.tile < 1:
            raise ValueError(f"tile must be at least 1 pixel, got {self.tile}")
        if not 0 <= self.overlap < self.tile:
            raise ValueError(
                f"overlap must be from 0 to less than the tile of {self.tile}, got {self.overlap}"
            )
        if not 0 <= self.tissue <= 1:
            raise ValueError(f"tissue must be from 0 to 1, got {self.tissue}")

    def sniff(self, path: str, head: bytes) -> int:
        kind = detect_kind(path.removeprefix("file://"), head)
        if kind is None:
            return 0
        return _MAYBE if kind == "picture" else _SURE

    def read(self, item: Item) -> Iterator[Sample]:
        return self.read_from(item, 0)

    def read_from(self, item: Item, start: int) -> Iterator[Sample]:
        from diascope_slides.opening import open_slide
        from diascope_slides.overview import survey
        from diascope_slides.scale import scale_of
        from diascope_slides.tiles import TileCutter

        with open_slide(item) as (slide, notes):
            scale = scale_of(slide, self.spacing_um, self.missing)
            whole = slide.levels[0]
            grid = Grid.over((whole.height, whole.width), scale.factors, self.tile, self.overlap)
            seen = survey(slide)
            chosen, counts = self._chosen(grid, seen.mask)
            cutter = TileCutter(item, slide, grid, scale, notes)
            for frame in range(start, len(chosen)):
                sample = cutter.sample(frame, *chosen[frame])
                if frame == 0:
                    overview = seen.overview((whole.height, whole.width), scale.full_um, counts)
                    sample = replace(sample, overview=overview)
                yield sample

    def _chosen(
        self, grid: Grid, mask: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int_], dict[str, int]]:
        """Return ``(n, 2)``, row and column of the tiles to read, and how many tiles there are, how
        many with any tissue, and how many are used.

        Raises:
            NoPictureError: if none has enough tissue.
        """
        shares = grid.coverage(mask)
        enough = shares >= self.tissue - _ROUNDING
        if not enough.any():
            raise NoPictureError(
                f"no tissue was found: of {shares.size} tiles the fullest is to "
                f"{shares.max():.0%} tissue, and {self.tissue:.0%} are asked for"
            )
        counts = {
            "tiles": shares.size,
            "tissue": int((shares > _ROUNDING).sum()),
            "used": int(enough.sum()),
        }
        return np.argwhere(enough), counts
