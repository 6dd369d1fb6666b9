"""Convert PALETTE COLOR pictures to RGB (PS3.3 C.7.6.3.1.5 and 6, C.7.9.2)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from diascope.errors import ReadError
from diascope.readers.dicom_lut import look_up, read_descriptor
from diascope.readers.dicom_modality import apply_checked
from diascope.readers.dicom_tags import tag_name, value

_DESCRIPTOR = "RedPaletteColorLookupTableDescriptor"
_TABLES = tuple(f"{each}PaletteColorLookupTableData" for each in ("Red", "Green", "Blue"))
_SEGMENTS = "SegmentedRedPaletteColorLookupTableData"


def apply_palette(stored: NDArray[Any], header: Dataset) -> tuple[NDArray[Any], float]:
    """Return ``(H, W, 3)`` RGB and the value of white.

    Raises:
        ReadError: if the palette cannot be applied; names the tag.
    """
    count, first, bits = read_descriptor(header, _DESCRIPTOR)
    pixels = apply_checked(
        lambda array, dataset: look_up(array, first, count, _entries(dataset)),
        stored,
        header,
        _DESCRIPTOR,
    )
    stated, limit = 2.0**bits - 1, float(np.iinfo(pixels.dtype).max)
    return pixels, limit if pixels.max() > stated else stated


def _entries(header: Dataset) -> NDArray[Any]:
    """Return the colours of the palette, ``(n, 3)``."""
    count, first, bits = read_descriptor(header, _DESCRIPTOR)
    if value(header, _TABLES[0]) is not None:
        order = "<" if header.file_meta.TransferSyntaxUID.is_little_endian else ">"
        words = [np.frombuffer(header[name].value, f"{order}u2") for name in _TABLES]
        depth = len(words[0]) * 2 // count
        if depth not in (1, 2):
            raise ValueError(f"{depth} bytes per entry")
        return np.stack([each.astype("<u2").view(f"u{depth}")[:count] for each in words], axis=1)
    if bits == 8 and count > 256:
        raise ReadError(
            f"{tag_name(_SEGMENTS)} holds {count} entries of 8 bits, at most 256 are read"
        )
    every = np.arange(first, first + count)  # pydicom expands segments only while it looks up
    return apply_color_lut(every, header)[:, :3]
