"""Which files of a folder are one DICOM slide, and which of them stands for it."""

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from diascope_slides.kinds import HEAD_BYTES, is_dicom_slide

_TAGS = [
    "ImageType",
    "SeriesInstanceUID",
    "TotalPixelMatrixColumns",
    "TotalPixelMatrixRows",
    "ConcatenationFrameOffsetNumber",
]


class _Member(NamedTuple):
    """One file of a series; the least one stands for the slide."""

    is_label: bool
    pixels: int
    offset: int
    path: Path


def series_of(path: Path) -> list[Path]:
    """Return the files of a slide: first the one of its finest level, which stands for it.

    Raises:
        OSError: if the folder cannot be read.
    """
    for files in _series(path.parent, path.parent.stat().st_mtime_ns).values():
        if path in files:
            return list(files)
    return [path]


@lru_cache(maxsize=4)
def _series(folder: Path, changed: int) -> Mapping[str, tuple[Path, ...]]:
    """Return the slides of a folder by their series; remembered until the folder changes."""
    found: dict[str, list[_Member]] = defaultdict(list)
    for path in sorted(folder.iterdir()):
        try:
            if not path.is_file() or not _is_slide(path):
                continue
            header = dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
        except (InvalidDicomError, OSError, EOFError):
            continue  # an item of its own, which will tell what is wrong with it
        kind = list(header.get("ImageType") or ["", "", "VOLUME"])
        columns = int(header.get("TotalPixelMatrixColumns") or 0)
        pixels = columns * int(header.get("TotalPixelMatrixRows") or 0)
        offset = int(header.get("ConcatenationFrameOffsetNumber") or 0)
        member = _Member("VOLUME" not in kind, -pixels, offset, path)
        found[str(header.get("SeriesInstanceUID") or path)].append(member)
    return {uid: tuple(each.path for each in sorted(group)) for uid, group in found.items()}


def _is_slide(path: Path) -> bool:
    with path.open("rb") as file:
        return is_dicom_slide(file.read(HEAD_BYTES))
