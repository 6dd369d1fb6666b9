"""Read values of an untrusted DICOM header, and name tags in messages."""

import math
from typing import Any

from pydicom.datadict import dictionary_description, tag_for_keyword
from pydicom.dataset import Dataset

from diascope.errors import ReadError


def tag_name(keyword: str) -> str:
    """Return the name and number of a tag, such as ``Rows (0028,0010)``."""
    tag = tag_for_keyword(keyword)
    assert tag is not None, f"{keyword} is not a keyword of the standard"
    return f"{dictionary_description(tag)} ({tag >> 16:04X},{tag & 0xFFFF:04X})"


def value(header: Dataset, keyword: str) -> Any:
    """Return a value, or None if the tag is absent or empty.

    Raises:
        ReadError: if the value violates the standard. It names the tag but does not quote the
            value, which may be a name or a date.
    """
    try:
        found = header.get(keyword)
    except Exception as error:  # pydicom converts on access and may raise any kind of error
        kind = type(error).__name__
        raise ReadError(
            f"{tag_name(keyword)} holds a value that violates the standard ({kind})"
        ) from None
    empty = found is None or (hasattr(found, "__len__") and len(found) == 0)
    return None if empty else found


def values(header: Dataset, keyword: str) -> list[Any]:
    """Return all values of a tag, or the items of a sequence; empty if there are none."""
    found = value(header, keyword)
    if found is None:
        return []
    several = hasattr(found, "__iter__") and not isinstance(found, str | bytes)
    return list(found) if several else [found]


def text(header: Dataset, keyword: str) -> str:
    """Return the first value as text, stripped of white space; empty if there is none."""
    found = values(header, keyword)
    return str(found[0]).strip() if found else ""


def integer(header: Dataset, keyword: str) -> int | None:
    """Return an integer, or None if the tag is absent or empty; raise a ReadError otherwise."""
    found = value(header, keyword)
    if found is None:
        return None
    try:
        return int(found)
    except (TypeError, ValueError):
        raise ReadError(f"{tag_name(keyword)} is not a whole number") from None


def to_signed(number: int) -> int:
    """Return a 16-bit number that was stored or read as unsigned (US) as a signed one (SS)."""
    return number - 2**16 if number >= 2**15 else number


def number(header: Dataset, keyword: str) -> float | None:
    """Return a number, or None if the tag is absent or empty; raise a ReadError otherwise."""
    found = numbers(header, keyword)
    if len(found) > 1:
        raise ReadError(f"{tag_name(keyword)} holds {len(found)} numbers, not one")
    return found[0] if found else None


def numbers(header: Dataset, keyword: str) -> list[float]:
    """Return all numbers of a tag, which may be none; raise a ReadError if one is not a number."""
    try:
        found = [float(each) for each in values(header, keyword)]
    except (TypeError, ValueError):
        found = [math.nan]
    if not all(map(math.isfinite, found)):
        raise ReadError(f"{tag_name(keyword)} is not a number")
    return found
