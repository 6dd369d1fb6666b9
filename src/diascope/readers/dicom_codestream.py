"""What a compressed picture says of itself: a size, which its header must state too, and its end.

Decoders are told the header's size. Where the two differ by the same number of pixels, as with rows
and columns exchanged, most of them return pixels in disorder without a word.
"""

import struct
from typing import NamedTuple

from pydicom.dataset import Dataset
from pydicom.uid import (
    HTJ2K,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
)

from diascope.errors import ReadError
from diascope.readers.dicom_tags import integer, tag_name

SIZED_SYNTAXES = (
    *JPEGTransferSyntaxes,
    *JPEGLSTransferSyntaxes,
    *JPEG2000TransferSyntaxes,
    *(HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL),
)
"""Transfer syntaxes whose pictures state a size."""
_JPEG = b"\xff\xd8"  # starts a JPEG picture
_SCAN = 0xDA  # starts its pixels
_END = b"\xff\xd9"  # ends it, and stands nowhere else among its bytes
_BEHIND = 16  # bytes with which some pad it, at most
_ALONE = (0x01, *range(0xD0, 0xD9))  # markers without a length
_FRAMES = ({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}) | {0xF7}  # of JPEG and of JPEG-LS
_WAVELETS = b"\xff\x4f\xff\x51"  # start a JPEG 2000 codestream and its size
_BEFORE = 1 << 16  # bytes of a file's boxes before a codestream that are looked through


class Size(NamedTuple):
    """Rows, columns and samples a pixel."""

    rows: int
    columns: int
    samples: int


def check_size(stream: bytes, header: Dataset) -> None:
    """Check that a picture has the size that its header says; one that says none passes.

    Args:
        stream: a compressed frame.

    Raises:
        ReadError: naming what differs.
    """
    if (size := stated_size(stream)) is None:
        return
    for keyword, number in zip(("Rows", "Columns", "SamplesPerPixel"), size, strict=True):
        if (told := integer(header, keyword)) != number:
            raise ReadError(
                f"{tag_name(keyword)} is {told}, but the compressed picture has {number}"
            )


def stated_size(stream: bytes) -> Size | None:
    """Return the size that a JPEG, JPEG-LS or JPEG 2000 picture states; None if none is found."""
    try:
        if stream.startswith(_JPEG):
            return _of_jpeg(stream)
        if (start := stream.find(_WAVELETS, 0, _BEFORE)) < 0:
            return None
        right, lower, left, upper = struct.unpack_from(">4L", stream, start + 8)
        (samples,) = struct.unpack_from(">H", stream, start + 40)
        return Size(lower - upper, right - left, samples)
    except struct.error:  # it is cut short
        return None


def _of_jpeg(stream: bytes) -> Size | None:
    place = 0
    while place + 1 < len(stream) and stream[place] == 0xFF:
        marker = stream[place + 1]
        if marker in _FRAMES:
            _, rows, columns, samples = struct.unpack_from(">BHHB", stream, place + 4)
            return Size(rows, columns, samples) if rows else None  # or it states them at its end
        if marker == _SCAN:
            return None
        if marker == 0xFF:  # fills
            place += 1
        elif marker in _ALONE:
            place += 2
        else:
            place += 2 + struct.unpack_from(">H", stream, place + 2)[0]
    return None


def check_end(source: bytes) -> None:
    """Check that a JPEG picture ends, which decoders that fill up what is missing do not.

    Raises:
        ValueError: if it does not.
    """
    if _END not in source.rstrip(b"\0")[-_BEHIND:]:
        raise ValueError("the picture does not end, or not where its bytes do")
