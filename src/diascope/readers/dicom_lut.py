"""DICOM lookup tables (PS3.3 C.7.6.3.1.5, C.11.1.1 and C.11.2.1.1).

pydicom computes table positions in the type of the entries or pixels, where they can overflow.
Here they are computed in 64 bits.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from diascope.errors import ReadError
from diascope.readers.dicom_tags import tag_name, to_signed, values

_MAX_ENTRIES = 2**16  # the descriptor states this count as 0


def read_descriptor(header: Dataset, keyword: str = "LUTDescriptor") -> tuple[int, int, int]:
    """Return the number of entries, the value that the first one maps, and the bits per entry.

    Raises:
        ReadError: if the descriptor is missing or malformed.
    """
    try:
        count, first, bits = map(int, values(header, keyword))
    except (TypeError, ValueError):
        raise ReadError(f"{tag_name(keyword)} does not hold three numbers") from None
    return count or _MAX_ENTRIES, first, bits


def look_up(pixels: NDArray[Any], first: int, count: int, entries: NDArray[Any]) -> NDArray[Any]:
    """Return the entry of each value; values outside the table get its first or last entry."""
    wide = pixels.astype(np.int64) if pixels.dtype.kind in "iu" else pixels
    found: NDArray[Any] = entries[np.clip(wide - first, 0, count - 1).astype(np.int64)]
    return found


def apply_lut(
    pixels: NDArray[Any], header: Dataset, *, table: Dataset, below_zero: bool
) -> NDArray[Any]:
    """Return pixels mapped by an item of a Modality or VOI LUT Sequence.

    Args:
        below_zero: whether pixels may be negative. Then the first value that the table maps may be
            a negative number that is stored as unsigned.

    Raises:
        ReadError: if the descriptor is missing or malformed.
    """
    count, first, bits = read_descriptor(table)
    first = to_signed(first) if below_zero else first
    if not 8 <= bits <= 16:
        raise ValueError(f"{bits} bits per entry")
    data = table.LUTData
    if isinstance(data, bytes):
        order = "<" if header.file_meta.TransferSyntaxUID.is_little_endian else ">"
        data = np.frombuffer(data, f"{order}u2", count)
    return look_up(pixels, first, count, np.asarray(data, f"u{1 if bits == 8 else 2}"))
