"""Lookup tables of DICOM: an entry for each value (PS3.3 C.7.6.3.1.5, C.11.1.1 and C.11.2.1.1).

pydicom counts in the type of the entries or of the pixels; here no position is too great for it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from diascope.errors import ReadError
from diascope.readers.dicom_tags import tag_name, to_signed, values

_MOST = 2**16  # entries, which the descriptor states as 0


def read_descriptor(header: Dataset, keyword: str = "LUTDescriptor") -> tuple[int, int, int]:
    """Return how many entries a table has, the value of the first one, and the bits of each.

    Raises:
        ReadError: if that is not stated.
    """
    try:
        count, first, bits = map(int, values(header, keyword))
    except (TypeError, ValueError):
        raise ReadError(f"{tag_name(keyword)} does not hold three numbers") from None
    return count or _MOST, first, bits


def look_up(pixels: NDArray[Any], first: int, count: int, entries: NDArray[Any]) -> NDArray[Any]:
    """Return the entry of each value; what lies beyond the table has its first or last one."""
    wide = pixels.astype(np.int64) if pixels.dtype.kind in "iu" else pixels
    found: NDArray[Any] = entries[np.clip(wide - first, 0, count - 1).astype(np.int64)]
    return found


def apply_lut(
    pixels: NDArray[Any], header: Dataset, *, table: Dataset, below_zero: bool
) -> NDArray[Any]:
    """Return what an item of a Modality or VOI LUT Sequence makes of pixels.

    Args:
        below_zero: whether pixels may be negative; then the first value that the table maps may
            be a negative one that is stated without its sign.

    Raises:
        ReadError: if it does not state its size.
    """
    count, first, bits = read_descriptor(table)
    first = to_signed(first) if below_zero else first
    if not 8 <= bits <= 16:
        raise ValueError(f"{bits} bits an entry")
    data = table.LUTData
    if isinstance(data, bytes):
        order = "<" if header.file_meta.TransferSyntaxUID.is_little_endian else ">"
        data = np.frombuffer(data, f"{order}u2", count)
    return look_up(pixels, first, count, np.asarray(data, f"u{1 if bits == 8 else 2}"))
