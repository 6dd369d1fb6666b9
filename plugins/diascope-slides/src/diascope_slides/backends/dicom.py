"""Open DICOM whole slides (PS3.3 section A.32.8) with wsidicom. A series is one slide."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from weakref import finalize

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from wsidicom import Settings, WsiDicom

from diascope.errors import NoPictureError
from diascope.library_warnings import capture_warnings
from diascope.readers.dicom_facts import facts
from diascope_slides.backends.dicom_header_repair import repair_header
from diascope_slides.backends.dicom_series import find_series
from diascope_slides.backends.dicom_unsupported import (
    check_header,
    check_is_complete,
    check_is_level,
    check_joinable,
    check_levels,
    check_scans,
)
from diascope_slides.slide import pyramid_levels

_GROUPS = 0x5200
_LEVELS = Settings(strict_tile_size_check=False, level_scale_tolerance=0.5)
"""Accept levels with different tile sizes and any spacing. wsidicom numbers levels by the nearest
power of two; of two levels with the same number it keeps the coarser one."""


class DicomSlide:
    """See ``Slide``. The finest file of a series stands for the slide; the others are its parts."""

    library = "wsidicom"

    def __init__(self, path: Path) -> None:
        with ExitStack() as opened, capture_warnings():  # pydicom warns of long values
            self._open(path, opened)
            self._opened = opened.pop_all()

    def _open(self, path: Path, opened: ExitStack) -> None:
        header = _header(path)
        check_is_level(header)
        files, missing = find_series(path)
        if files[0].name != path.name:
            raise NoPictureError(f"a part of the slide {files[0].name!r}, and read with it")
        check_is_complete(missing)
        check_header(header)
        self.facts: Mapping[str, str] = facts(header)
        repaired = repair_header(path)
        if repaired is not None:
            opened.callback(finalize(self, repaired.path.unlink, missing_ok=True))
        self.notes = () if repaired is None else repaired.notes
        check_joinable(header, self.notes)
        paths = files if repaired is None else repaired.path
        self._slide = opened.enter_context(WsiDicom.open(paths, settings=_LEVELS))
        levels = list(self._slide.levels)
        check_levels(levels)
        check_scans(self._slide, (header.TotalPixelMatrixRows, header.TotalPixelMatrixColumns))
        self._numbers = [level.level for level in levels]
        self.levels = pyramid_levels([(level.size.height, level.size.width) for level in levels])
        spacing = self._slide.mpp
        is_stated = repaired is None or repaired.spacing_stated
        self.spacing_um = (spacing.height, spacing.width) if is_stated else None

    def region(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        number = self._numbers[level]
        pixels = self._slide.read_region((x, y), number, (width, height), as_array=True)
        array: NDArray[np.uint8] = np.asarray(pixels, dtype=np.uint8)
        return array if array.ndim == 3 else np.repeat(array[:, :, None], 3, axis=2)

    def close(self) -> None:
        self._opened.close()


def _header(path: Path) -> Dataset:
    """Return the header up to the functional groups, which can be long."""
    with path.open("rb") as file:
        return read_partial(file, lambda tag, kind, length: tag.group >= _GROUPS)
