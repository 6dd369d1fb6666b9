"""Parse a QIDO-RS query, and check that a service heeded it.

A service ignores a key that it does not know, and then returns everything that it holds.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from difflib import get_close_matches
from typing import Any
from urllib.parse import parse_qsl

NUMBERS = ("limit", "offset")
_SWITCHES = ("fuzzymatching", "emptyvaluematching", "multiplevaluematching")
_PARAMETERS = (*NUMBERS, *_SWITCHES, "includefield")
_TAG = re.compile("[0-9A-Fa-f]{8}")
_EXACT_VRS = ("AE", "CS", "DA", "IS", "LO", "SH", "UI")
"""What is matched by equality. Services match names and times in ways of their own."""
_NOT_EXACT = set(r"*?\,^")  # wildcards, lists, an identifier with its issuer
UNSET = ". Was a variable of the shell not set?"


def parse_query(text: str) -> dict[str, str]:
    """Return the attributes and parameters of a query such as ``Modality=CR&limit=5``.

    Raises:
        ValueError: if the query would find more than intended: a value is missing, or a key is
            neither an attribute (a DICOM keyword, a tag as 8 hexadecimal digits, or a path of them
            such as ``RequestAttributesSequence.StudyInstanceUID``) nor a parameter of QIDO-RS.
    """
    found: dict[str, str] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        if not value:
            raise ValueError(f"{key} has no value{UNSET}")
        if key in found:
            raise ValueError(f"{key} is given twice")
        if key in NUMBERS and not value.isdecimal():
            raise ValueError(f"{key} must be a whole number, got {value!r}")
        if key not in _PARAMETERS:
            _refuse_unknown(key)
        found[key] = value
    if not found:
        raise ValueError(f"nothing follows the question mark{UNSET}")
    return found


def _refuse_unknown(key: str) -> None:
    from pydicom.datadict import keyword_dict

    for part in key.split("."):
        if _TAG.fullmatch(part) or (part and part in keyword_dict):
            continue
        names = {name.lower(): name for name in (*keyword_dict, *_PARAMETERS) if name}
        near = get_close_matches(part.lower(), names, n=1)
        hint = f" Did you mean {names[near[0]]!r}?" if near else ""
        message = f"{part!r} is no keyword or tag of DICOM, so a service would ignore it."
        raise ValueError(f"{message}{hint}")


def check_answer(found: Mapping[str, Any], query: Mapping[str, str]) -> None:
    """Check a result of a search against what was searched for, as far as it can be compared.

    Args:
        found: the result in the DICOM JSON model.
        query: attributes and the values that were searched for.

    Raises:
        ValueError: if an attribute has another value; names it, and does not quote the value.
    """
    from pydicom.datadict import tag_for_keyword

    for key, wanted in query.items():
        number = tag_for_keyword(key)
        element = found.get(key.upper() if number is None else f"{number:08X}", {})
        values = [_comparable(value, element.get("vr")) for value in element.get("Value") or ()]
        is_exact = element.get("vr") in _EXACT_VRS and not _NOT_EXACT & set(wanted)
        is_range = element.get("vr") == "DA" and "-" in wanted
        asked = _comparable(wanted, element.get("vr"))
        if values and is_exact and not is_range and asked not in values:
            raise ValueError(
                f"the service ignores {key}: it also returned results with another value. Search "
                "for something else, such as StudyInstanceUID"
            )


def _comparable(value: Any, vr: str | None) -> str:
    """Return a value as text without what services do not tell apart, such as ``01`` and ``1``."""
    text = str(value).strip().upper()
    if vr == "IS":
        with suppress(ValueError):
            return str(float(text))
    return text
