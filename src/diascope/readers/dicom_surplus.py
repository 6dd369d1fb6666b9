"""Find frames in the pixels of a DICOM file that its header does not count."""

import math

from pydicom.dataset import FileDataset

from diascope.readers.dicom_tags import integer, tag_name, text, value

_UNDEFINED = 0xFFFFFFFF
_ITEM = b"\xfe\xff\x00\xe0"  # tag before the basic offset table of compressed frames


def surplus_note(header: FileDataset, length: int, start: bytes) -> list[str]:
    """Return a trace line if the file holds more frames than Number of Frames says, else nothing.

    Compressed frames are counted only if the file has a table of their offsets.

    Args:
        length: bytes of the pixels of all frames as their element states it, which is undefined if
            they are compressed.
        start: the first 8 bytes of the pixels.
    """
    counted = integer(header, "NumberOfFrames") or 1
    if length == _UNDEFINED:
        basic = int.from_bytes(start[4:], "little") // 4 if start[:4] == _ITEM else 0
        held = max(basic, len(value(header, "ExtendedOffsetTable") or b"") // 8)
    else:
        sizes = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")
        bits = math.prod(integer(header, keyword) or 0 for keyword in sizes)
        if text(header, "PhotometricInterpretation") == "YBR_FULL_422":
            bits = bits * 2 // 3
        held = length * 8 // bits if bits else 0
    if held <= counted:
        return []
    return [f"{tag_name('NumberOfFrames')} is {counted}, but there are {held}: others left out"]
