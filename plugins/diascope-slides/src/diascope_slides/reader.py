"""Read whole slides as tiles at a given spacing."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Interval
from numpy.typing import NDArray

from diascope.errors import NoPictureError
from diascope.sample import Item, Sample
from diascope_slides.detect import detect_kind
from diascope_slides.grid import Grid
from diascope_slides.options import Annotations, Missing

_ROUNDING = 1e-9  # rounding error of summed fractions
_SURE, _MAYBE = 100, 30  # ordinary pictures are left to the image reader


@dataclass(frozen=True)
class SlideReader:
    """Whole slides: SVS, NDPI, MRXS, SCN, BIF, DICOM, OME-TIFF, tiled TIFF; PNG and JPEG too.

    A tile is ``(tile, tile, 3)`` uint8 RGB at exactly the requested spacing, resampled from the
    nearest finer level. The tiles cover the slide row by row from its upper left corner; those with
    enough tissue are read. Parts of a tile beyond the edge are white. All of this is in the trace.

    Args:
        spacing_um: size of a tile pixel in micrometres.
        tile: side of a tile in pixels.
        overlap: number of pixels that neighbouring tiles share.
        missing: what to do with a slide that does not state its spacing. ``fail``: the item fails;
            ``{assume: 0.5}``: assume this size of a full-resolution pixel in micrometres;
            ``{level: 0}``: use the pixels of this level without resampling and without a spacing.
        tissue: minimum fraction of a tile that must be tissue, from 0 (reads every tile) to 1;
            beyond the slide's edge there is none.
        annotations: restrict slides to what was annotated on them: ``files`` is a folder with a
            GeoJSON file for each slide, such as ``A.geojson`` for ``A.svs``. ``include`` lists the
            classes whose areas are used (by default all objects; ``[]``: the whole slide), and
            ``exclude`` those whose areas are removed. Elsewhere there is no tissue, and with
            ``tissue: 0`` no tile.
    """

    spacing_um: Annotated[float, Interval(gt=0, lt=math.inf)] = 0.5
    tile: Annotated[int, Ge(1)] = 224
    overlap: int = 0
    missing: Missing = "fail"
    tissue: Annotated[float, Interval(ge=0, le=1)] = 0.25
    annotations: Annotations | None = None
    api: ClassVar = (1, 2)
    selecting: ClassVar = ("annotations",)

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.tile:
            raise ValueError(
                f"overlap must be from 0 to less than the tile of {self.tile}, got {self.overlap}"
            )
        if self.annotations is not None and self.annotations.files.is_file():
            raise ValueError("annotations: files must be a folder, got a file")

    def sniff(self, path: str, head: bytes) -> int:
        kind = detect_kind(path.removeprefix("file://"), head)
        if kind is None:
            return 0
        return _MAYBE if kind == "picture" else _SURE

    def read(self, item: Item) -> Iterator[Sample]:
        return self.read_from(item, 0)

    def read_from(self, item: Item, start: int) -> Iterator[Sample]:
        from diascope_slides.annotations import annotated_area
        from diascope_slides.opening import open_slide
        from diascope_slides.overview import survey
        from diascope_slides.scale import scale_of
        from diascope_slides.tiles import TileCutter

        with open_slide(item) as (slide, notes):
            scale = scale_of(slide, self.spacing_um, self.missing)
            size = slide.levels[0].height, slide.levels[0].width
            grid = Grid.over(size, scale.factors, self.tile, self.overlap)
            surveyed = survey(slide)
            area = np.ones_like(surveyed.mask)
            if self.annotations is not None:
                area, note = annotated_area(self.annotations, item, size, area.shape)
                notes = (*notes, note)
                surveyed = surveyed._replace(mask=surveyed.mask & area)
            tiles, counts = self._choose_tiles(grid, surveyed.mask, area)
            cutter = TileCutter(item, slide, grid, scale, notes)
            for frame in range(start, len(tiles)):
                sample = cutter.sample(frame, *tiles[frame])
                if frame == 0:
                    overview = surveyed.overview(size, scale.full_um, counts)
                    sample = replace(sample, overview=overview)
                yield sample

    def _choose_tiles(
        self, grid: Grid, mask: NDArray[np.bool_], area: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int_], dict[str, int]]:
        """Return row and column of the tiles to read, ``(n, 2)``, and the numbers of tiles.

        Args:
            mask: the tissue in the area.
            area: what a tile must touch, even if it needs no tissue.

        Raises:
            NoPictureError: if no tile has enough tissue.
        """
        coverage = grid.coverage(mask)
        has_enough = (coverage >= self.tissue - _ROUNDING) & (grid.coverage(area) > _ROUNDING)
        if not has_enough.any():
            where = "" if self.annotations is None else " in the annotated areas"
            raise NoPictureError(
                f"no tissue was found{where}: of {coverage.size} tiles, the one with the most has "
                f"{coverage.max():.0%} tissue, and {self.tissue:.0%} are required"
            )
        counts = {
            "tiles": coverage.size,
            "tissue": int((coverage > _ROUNDING).sum()),
            "used": int(has_enough.sum()),
        }
        return np.argwhere(has_enough), counts
