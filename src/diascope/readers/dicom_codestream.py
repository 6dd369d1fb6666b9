"""Check that a compressed frame has the size that the DICOM header states, and that it is complete.

Decoders are given the header's size. If the frame has the same number of pixels in another shape,
for example with rows and columns exchanged, most of them silently return scrambled pixels.
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
"""Transfer syntaxes whose compressed frames state their size."""
_START_OF_IMAGE = b"\xff\xd8"
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = b"\xff\xd9"  # cannot occur elsewhere in the stream
_MAX_PADDING = 16  # bytes that may follow the end of the image
_STANDALONE = (0x01, *range(0xD0, 0xD9))  # markers without a length
_START_OF_FRAME = ({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}) | {0xF7}  # of JPEG and of JPEG-LS
_JPEG_2000_SIZE = b"\xff\x4f\xff\x51"  # start of a JPEG 2000 codestream, followed by its size
_SEARCH_BYTES = 1 << 16  # how far to search for the codestream behind the boxes of a JP2 file


class Size(NamedTuple):
    """Rows, columns and samples per pixel."""

    rows: int
    columns: int
    samples: int


def check_size(stream: bytes, header: Dataset) -> None:
    """Check that a compressed frame has the size stated in the header, if it states a size at all.

    Args:
        stream: a compressed frame.

    Raises:
        ReadError: if they differ; names the tag.
    """
    if (size := stated_size(stream)) is None:
        return
    for keyword, number in zip(("Rows", "Columns", "SamplesPerPixel"), size, strict=True):
        if (stated := integer(header, keyword)) != number:
            raise ReadError(
                f"{tag_name(keyword)} is {stated}, but the compressed picture has {number}"
            )


def stated_size(stream: bytes) -> Size | None:
    """Return the size that a JPEG, JPEG-LS or JPEG 2000 stream states; None if it states none."""
    try:
        if stream.startswith(_START_OF_IMAGE):
            return _jpeg_size(stream)
        if (start := stream.find(_JPEG_2000_SIZE, 0, _SEARCH_BYTES)) < 0:
            return None
        right, lower, left, upper = struct.unpack_from(">4L", stream, start + 8)
        (samples,) = struct.unpack_from(">H", stream, start + 40)
        return Size(lower - upper, right - left, samples)
    except struct.error:  # the stream is truncated
        return None


def _jpeg_size(stream: bytes) -> Size | None:
    offset = 0
    while offset + 1 < len(stream) and stream[offset] == 0xFF:
        marker = stream[offset + 1]
        if marker in _START_OF_FRAME:
            _, rows, columns, samples = struct.unpack_from(">BHHB", stream, offset + 4)
            return Size(rows, columns, samples) if rows else None  # 0: stated after the scan
        if marker == _START_OF_SCAN:
            return None
        if marker == 0xFF:  # fill byte
            offset += 1
        elif marker in _STANDALONE:
            offset += 2
        else:
            offset += 2 + struct.unpack_from(">H", stream, offset + 2)[0]
    return None


def check_end(source: bytes) -> None:
    """Check that a JPEG stream has its end marker.

    Some decoders do not check this and fill in the missing part.

    Raises:
        ValueError: if the marker is missing or not at the end of the stream.
    """
    if _END_OF_IMAGE not in source.rstrip(b"\0")[-_MAX_PADDING:]:
        raise ValueError("the JPEG end marker is missing, or is not at the end of the data")
