"""Which files of a folder are one DICOM slide, and which of them stands for it."""

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
        files: first the one of the finest level, which stands for the slide; no copies.
        lacking: how many more there are, by what those that are parts of others say.
    """

    files: tuple[Path, ...]
    lacking: int = 0


class _Member(NamedTuple):
    """One file of a series; the least one stands for the slide.

    Attributes:
        uid: its own; a copy has the same.
        parts: of which concatenation it is a part, and of how many parts that is.
    """

    is_label: bool
    pixels: int
    offset: int
    path: Path
    uid: str
    parts: tuple[str, int]


def find_series(path: Path) -> Series:
    """Return the slide that a file is one of; a file that is in no series is a slide.

    Raises:
        OSError: if the folder cannot be read.
    """
    slides = _series(path.parent, path.parent.stat().st_mtime_ns)
    return slides.get(path, Series((path,)))


@lru_cache(maxsize=4)
def _series(folder: Path, changed: int) -> Mapping[Path, Series]:
    """Return the slide of each file of a folder; remembered until the folder changes."""
    found: dict[str, list[_Member]] = defaultdict(list)
    for path in sorted(folder.iterdir()):
        with suppress(Exception):  # of all kinds; the item itself will tell what is wrong
            if path.is_file() and _is_slide(path):
                series, member = _read(path)
                found[series].append(member)
    return {
        member.path: series
        for group in found.values()
        for series in [_assembled(sorted(group))]
        for member in group
    }


def _read(path: Path) -> tuple[str, _Member]:
    """Return the series that a file is of, its path if it names none, and what it says of itself.

    Raises:
        Exception: of whatever kind, if its header is damaged.
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


def _assembled(members: Sequence[_Member]) -> Series:
    kept: dict[str, _Member] = {}
    for member in members:
        kept.setdefault(member.uid, member)
    parts = Counter(member.parts for member in kept.values())
    lacking = sum(max(0, total - count) for (_, total), count in parts.items())
    return Series(tuple(member.path for member in kept.values()), lacking)


def _is_slide(path: Path) -> bool:
    with path.open("rb") as file:
        return is_dicom_slide(file.read(HEAD_BYTES))
