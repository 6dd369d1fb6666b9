"""Group the DICOM files of a folder into slides, and choose the file that stands for each slide."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pydicom import dcmread

from diascope_slides.detect import HEAD_BYTES, is_dicom_slide

_TAGS = [
    "ImageType",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "TotalPixelMatrixColumns",
    "TotalPixelMatrixRows",
    "ConcatenationUID",
    "ConcatenationFrameOffsetNumber",
    "InConcatenationTotalNumber",
]


class Series(NamedTuple):
    """The files of a slide.

    Attributes:
        files: all files without copies; the first, of the finest level, stands for the slide.
        missing: number of files that are missing from its concatenations.
    """

    files: tuple[Path, ...]
    missing: int = 0


class _Member(NamedTuple):
    """One file of a series. The smallest in sort order stands for the slide.

    Attributes:
        uid: SOP Instance UID; a copy has the same one.
        parts: UID of the concatenation that the file is part of, and its number of parts.
    """

    is_label: bool
    pixels: int
    offset: int
    path: Path
    uid: str
    parts: tuple[str, int]


def find_series(path: Path) -> Series:
    """Return the slide that a file belongs to; a file without a series is a slide of its own.

    Raises:
        OSError: if the folder cannot be read.
    """
    slides = _series(path.parent, path.parent.stat().st_mtime_ns)
    return slides.get(path, Series((path,)))


@lru_cache(maxsize=4)
def _series(folder: Path, changed: int) -> Mapping[Path, Series]:
    """Return the slide of each file of a folder; cached by its modification time."""
    found: dict[str, list[_Member]] = defaultdict(list)
    for path in sorted(folder.iterdir()):
        with suppress(Exception):  # of any kind; it will be reported for that item
            if path.is_file() and _is_slide(path):
                series, member = _read(path)
                found[series].append(member)
    return {
        member.path: series
        for group in found.values()
        for series in [_assemble(sorted(group))]
        for member in group
    }


def _read(path: Path) -> tuple[str, _Member]:
    """Return the series UID of a file, or its path if it has none, and its description.

    Raises:
        Exception: of any kind, if the header is damaged.
    """
    header = dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
    kind = list(header.get("ImageType") or ["", "", "VOLUME"])
    columns = int(header.get("TotalPixelMatrixColumns") or 0)
    pixels = columns * int(header.get("TotalPixelMatrixRows") or 0)
    offset = int(header.get("ConcatenationFrameOffsetNumber") or 0)
    uid = str(header.get("SOPInstanceUID") or path)
    total = int(header.get("InConcatenationTotalNumber") or 0)
    parts = str(header.get("ConcatenationUID") or uid), total
    member = _Member("VOLUME" not in kind, -pixels, offset, path, uid, parts)
    return str(header.get("SeriesInstanceUID") or path), member


def _assemble(members: Sequence[_Member]) -> Series:
    unique: dict[str, _Member] = {}
    for member in members:
        unique.setdefault(member.uid, member)
    parts = Counter(member.parts for member in unique.values())
    missing = sum(max(0, total - count) for (_, total), count in parts.items())
    return Series(tuple(member.path for member in unique.values()), missing)


def _is_slide(path: Path) -> bool:
    with path.open("rb") as file:
        return is_dicom_slide(file.read(HEAD_BYTES))
