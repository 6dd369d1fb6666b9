"""Refuse DICOM whole slides that are not a single 8-bit picture in one plane."""

from collections.abc import Iterable, Sequence

from pydicom.dataset import Dataset
from wsidicom import WsiDicom
from wsidicom.group import Level

from diascope.errors import NoPictureError, ReadError
from diascope.readers.dicom_tags import integer, values

_BITS = 8
_PLANE = "Write one plane in colour to a file of its own."
_AS_FINE = 1.5  # a pyramid that is coarser by more is a misplaced level, not a second scan


def check_is_level(header: Dataset) -> None:
    """Check that a file is a level of a slide, as far as it states its image type.

    Raises:
        NoPictureError: if it is a label, an overview or a thumbnail.
    """
    kind = values(header, "ImageType")
    if len(kind) > 2 and "VOLUME" not in kind:
        raise NoPictureError(f"its image type is {kind[2]!r}: it belongs to a slide and is not one")


def check_header(header: Dataset) -> None:
    """Check bit depth and focal planes in the header.

    Raises:
        ReadError: if there are more than 8 bits, which would be truncated, or several focal planes.
    """
    bits = integer(header, "BitsAllocated")
    if bits not in (None, _BITS):
        raise ReadError(f"its values have {bits} bits; only slides of {_BITS} bits are supported")
    _check_one("focal planes", integer(header, "TotalPixelMatrixFocalPlanes") or 1)


def check_is_complete(missing: int) -> None:
    """Raise a ReadError if files of the slide are missing; their tiles would be white."""
    if missing:
        raise ReadError(
            f"files of this slide are missing: {missing}", hint="All must be in one folder."
        )


def check_joinable(header: Dataset, repairs: Sequence[str]) -> None:
    """Check that wsidicom can join the files of a split level; otherwise it would read only one.

    Args:
        repairs: what was missing in the header; a repaired copy is made of one file only.

    Raises:
        ReadError: if the level is split into several files and required attributes are missing.
    """
    source = "SOPInstanceUIDOfConcatenationSource"
    faults = [*repairs, *([] if header.get(source) else [f"{source} is missing"])]
    is_split = header.get("ConcatenationUID") and integer(header, "InConcatenationTotalNumber") != 1
    if faults and is_split:
        raise ReadError(
            f"it is split into several files, which cannot be joined: {'; '.join(faults)}",
            hint="Write it to one file.",
        )


def check_levels(levels: Iterable[Level]) -> None:
    """Check that all files of a slide together have one plane; each file may hold another one.

    Raises:
        ReadError: if a level has several focal planes or optical paths.
    """
    for level in levels:
        _check_one("focal planes", len(level.focal_planes))
        _check_one("optical paths", len(level.optical_paths))


def check_scans(slide: WsiDicom, size: tuple[int, int]) -> None:
    """Check that a series holds one scan; it may hold a separate one for each piece of tissue.

    Args:
        size: (height, width) of the file that stands for the slide.

    Raises:
        ReadError: if there is another scan of that resolution, which would not be read.
    """
    spacings = [each.pixel_spacing.width for each in slide.pyramids]
    scans = sum(spacing < _AS_FINE * min(spacings) for spacing in spacings)
    is_hidden = (slide.size.height, slide.size.width) != size
    _check_one("scans", scans + is_hidden, "Write each with a SeriesInstanceUID of its own.")


def _check_one(what: str, number: int, hint: str = _PLANE) -> None:
    if number > 1:
        raise ReadError(f"it holds {number} {what}", hint=hint)
