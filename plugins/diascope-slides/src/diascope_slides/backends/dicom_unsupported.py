"""What a DICOM whole slide may hold that is no single picture of 8 bits in one plane."""

from collections.abc import Iterable, Sequence

from pydicom.dataset import Dataset
from wsidicom import WsiDicom
from wsidicom.group import Level

from diascope.errors import NoPictureError, ReadError
from diascope.readers.dicom_tags import integer, values

_BITS = 8
_PLANE = "Write one plane in colour to a file of its own."
_AS_FINE = 1.5  # a scan that is coarser by more is no second one, but a level out of place


def check_is_level(header: Dataset) -> None:
    """Let levels pass, and what does not say what it is.

    Raises:
        NoPictureError: if it is a label, an overview or a thumbnail.
    """
    kind = values(header, "ImageType")
    if len(kind) > 2 and "VOLUME" not in kind:
        raise NoPictureError(f"its image type is {kind[2]!r}: it goes with a slide and is none")


def check_header(header: Dataset) -> None:
    """Look at what the header states of its values and planes.

    Raises:
        ReadError: if it has more than 8 bits, which would be cut off, or focal planes.
    """
    bits = integer(header, "BitsAllocated")
    if bits not in (None, _BITS):
        raise ReadError(f"its values have {bits} bits; of slides, {_BITS} are read")
    _check_one("focal planes", integer(header, "TotalPixelMatrixFocalPlanes") or 1)


def check_is_whole(lacking: int) -> None:
    """Raise a ReadError if files of the slide are not there: its tiles would be white."""
    if lacking:
        raise ReadError(
            f"files of this slide are missing: {lacking}", hint="All have to lie in one folder."
        )


def check_joins(header: Dataset, completed: Sequence[str]) -> None:
    """Look whether wsidicom can join the files that a level is cut into; else it reads one of them.

    Args:
        completed: what the header lacked; a completed copy is of one file.

    Raises:
        ReadError: if the level is in several files, and anything was or is missing.
    """
    source = "SOPInstanceUIDOfConcatenationSource"
    lacks = [*completed, *([] if header.get(source) else [f"{source} is missing"])]
    several = header.get("ConcatenationUID") and integer(header, "InConcatenationTotalNumber") != 1
    if lacks and several:
        raise ReadError(
            f"it is cut into several files, which cannot be joined: {'; '.join(lacks)}",
            hint="Write it to one file.",
        )


def check_levels(levels: Iterable[Level]) -> None:
    """Look at what the files of a slide hold together: each plane may have one of its own.

    Raises:
        ReadError: if a level has several focal planes or optical paths.
    """
    for level in levels:
        _check_one("focal planes", len(level.focal_planes))
        _check_one("optical paths", len(level.optical_paths))


def check_scans(slide: WsiDicom, size: tuple[int, int]) -> None:
    """Look whether the slide is all that its series holds: it may hold a scan of each tissue.

    Args:
        size: (height, width) of the file that stands for the slide.

    Raises:
        ReadError: if another scan is as fine, so that it would not be read.
    """
    spacings = [each.pixel_spacing.width for each in slide.pyramids]
    apart = sum(spacing < _AS_FINE * min(spacings) for spacing in spacings)
    hidden = (slide.size.height, slide.size.width) != size
    _check_one("scans", apart + hidden, "Write each with a SeriesInstanceUID of its own.")


def _check_one(what: str, number: int, hint: str = _PLANE) -> None:
    if number > 1:
        raise ReadError(f"it holds {number} {what}", hint=hint)
