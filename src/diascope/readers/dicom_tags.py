"""Values of a DICOM header, read without trust, and tags as a person names them."""

import math
from typing import Any

from pydicom.datadict import dictionary_description, tag_for_keyword
from pydicom.dataset import Dataset

from diascope.errors import ReadError


def tag_name(keyword: str) -> str:
    """Return a tag as the standard prints it, such as ``Rows (0028,0010)``."""
    tag = tag_for_keyword(keyword)
    assert tag is not None, f"{keyword} is no keyword of the standard"
    return f"{dictionary_description(tag)} ({tag >> 16:04X},{tag & 0xFFFF:04X})"


def value(header: Dataset, keyword: str) -> Any:
    """Return a value, or None if the tag is absent or empty.

    Raises:
        ReadError: naming the tag, if what it holds breaks the standard. It does not quote the
            value, which may be a name or a date.
    """
    try:
        found = header.get(keyword)
    except Exception as error:  # pydicom converts on access, and raises all kinds of errors
        kind = type(error).__name__
        raise ReadError(
            f"{tag_name(keyword)} holds a value against the standard ({kind})"
        ) from None
    empty = found is None or (hasattr(found, "__len__") and len(found) == 0)
    return None if empty else found


def values(header: Dataset, keyword: str) -> list[Any]:
    """Return the values of a tag that may hold several, or a sequence's items; may be empty."""
    found = value(header, keyword)
    if found is None:
        return []
    several = hasattr(found, "__iter__") and not isinstance(found, str | bytes)
    return list(found) if several else [found]


def text(header: Dataset, keyword: str) -> str:
    """Return the first value as text without blanks around it; empty if there is none."""
    found = values(header, keyword)
    return str(found[0]).strip() if found else ""


def integer(header: Dataset, keyword: str) -> int | None:
    """Return a whole number, None if the tag is absent or empty; else raise a ReadError."""
    found = value(header, keyword)
    if found is None:
        return None
    try:
        return int(found)
    except (TypeError, ValueError):
        raise ReadError(f"{tag_name(keyword)} holds no whole number") from None


def to_signed(number: int) -> int:
    """Return what 16 bits mean with a sign (SS) that were written, or read, without one (US)."""
    return number - 2**16 if number >= 2**15 else number


def number(header: Dataset, keyword: str) -> float | None:
    """Return a number, None if the tag is absent or empty; else raise a ReadError."""
    found = numbers(header, keyword)
    if len(found) > 1:
        raise ReadError(f"{tag_name(keyword)} holds {len(found)} numbers, not one")
    return found[0] if found else None


def numbers(header: Dataset, keyword: str) -> list[float]:
    """Return the numbers of a tag that may hold several, perhaps none; else raise a ReadError."""
    try:
        found = [float(each) for each in values(header, keyword)]
    except (TypeError, ValueError):
        found = [math.nan]
    if not all(map(math.isfinite, found)):
        raise ReadError(f"{tag_name(keyword)} holds no number")
    return found
