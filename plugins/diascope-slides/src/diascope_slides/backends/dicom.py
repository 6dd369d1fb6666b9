"""DICOM whole slides (PS3.3 section A.32.8), by wsidicom: all files of a series are one slide."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from wsidicom import Settings, WsiDicom

from diascope.errors import NoPictureError, ReadError
from diascope.library_warnings import capture_warnings
from diascope.readers.dicom_facts import facts
from diascope_slides.backends.dicom_header_repair import repair_header
from diascope_slides.backends.dicom_series import find_series
from diascope_slides.backends.dicom_unsupported import (
    check_header,
    check_is_level,
    check_is_whole,
    check_joins,
    check_levels,
    check_scans,
)
from diascope_slides.slide import pyramid_levels

_GROUPS = 0x5200
_LEVELS = Settings(strict_tile_size_check=False, level_scale_tolerance=0.5)
"""Levels may have tiles of their own size, and any spacing: wsidicom numbers them by the nearest
power of two; of two with the same number it keeps the coarser."""


class DicomSlide:
    """See ``Slide``. Only the finest file of a series is the slide; the others belong to it."""

    library = "wsidicom"

    def __init__(self, path: Path) -> None:
        with capture_warnings():  # pydicom tells every value that is too long
            header = _header(path)
            check_is_level(header)
            files, lacking = find_series(path)
            if files[0].name != path.name:
                raise NoPictureError(f"a part of the slide {files[0].name!r}, and read with it")
            check_is_whole(lacking)
            check_header(header)
            self.facts: Mapping[str, str] = facts(header)
            self._mended = repair_header(path)
            self.notes = () if self._mended is None else self._mended.notes
            check_joins(header, self.notes)
            opening = files if self._mended is None else self._mended.file.name
            self._slide = WsiDicom.open(opening, settings=_LEVELS)
        levels = list(self._slide.levels)
        try:
            check_levels(levels)
            check_scans(self._slide, (header.TotalPixelMatrixRows, header.TotalPixelMatrixColumns))
        except ReadError:
            self.close()
            raise
        self._numbers = [level.level for level in levels]
        self.levels = pyramid_levels([(level.size.height, level.size.width) for level in levels])
        spacing = self._slide.mpp
        stated = self._mended is None or self._mended.spacing_stated
        self.spacing_um = (spacing.height, spacing.width) if stated else None

    def region(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        number = self._numbers[level]
        pixels = self._slide.read_region((x, y), number, (width, height), as_array=True)
        plain: NDArray[np.uint8] = np.asarray(pixels, dtype=np.uint8)
        return plain if plain.ndim == 3 else np.repeat(plain[:, :, None], 3, axis=2)

    def close(self) -> None:
        self._slide.close()
        if self._mended is not None:
            self._mended.file.close()


def _header(path: Path) -> Dataset:
    """Return the header before the functional groups, which can be long."""
    with path.open("rb") as file:
        return read_partial(file, lambda tag, kind, length: tag.group >= _GROUPS)
