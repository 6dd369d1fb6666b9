"""Redact what reports say with ``privacy: strict``: no text quotes a file's content or path."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Literal

from diascope.display_text import mask_credentials
from diascope.sample import Item, Prediction, Record

Privacy = Literal["none", "strict"]

WITHHELD = "withheld (privacy: strict)"
BURNED_IN = (
    "the file says that text is burned into its picture: it may name a person, and the model may "
    "have read it"
)

_SHORTEST_NAME = 4  # removing the name of a file "1" would remove numbers from all texts
_ERROR_TEXT = re.compile(r"\b(\w*(?:[Ee]rror|Exception|Warning|SystemExit)): .*", re.DOTALL)
_NAMED_ERROR = re.compile(r"(?:^|(?<=: )|(?<=\(after ))(_*[A-Z]\w*): .*", re.DOTALL)
"""An error of any name in a reason. Not for traces: their lines may begin like this with a step."""
_SEPARATOR = re.compile(r"[/\\]")  # Windows has both
_WINDOWS = re.compile(r"\\|^[A-Za-z]:/")
_QUOTED = re.compile(r"(?<!\w)[bru]{0,2}('[^']*('|$)|\"[^\"]*(\"|$))")
"""Text in quotes. A truncated text has only the first quote."""


def has_burned_in_text(facts: Mapping[str, str]) -> bool:
    """Whether a file states that text is burned into its picture."""
    return facts.get("burned_in", "").strip().upper() == "YES"


def redact_record(record: Record) -> Record:
    """Return a record whose texts quote neither its file's content nor its path.

    Picture and evidence are removed if text is burned into the picture.
    """
    item = record.item
    if not isinstance(record, Prediction):
        reason = _NAMED_ERROR.sub(rf"\1, its words {WITHHELD}", redact_text(record.reason, item))
        return replace(record, reason=reason)
    trace = tuple(redact_text(line, item) for line in record.trace)
    warnings = tuple(w if w == BURNED_IN else redact_text(w, item) for w in record.warnings)
    if BURNED_IN not in warnings:
        return replace(record, trace=trace, warnings=warnings)
    return replace(
        record,
        warnings=warnings,
        trace=(*trace, f"picture and evidence {WITHHELD}: text is burned into the picture"),
        preview=None,
        evidence=(),
        overview=None,
        regions=None,
    )


def redact_text(text: str, item: Item) -> str:
    """Return a text without what could identify the item's file.

    That is its path and name, anything in quotes, and the messages of library errors.
    """
    return remove_error_text(_QUOTED.sub("'...'", remove_paths(text, item)))


def remove_paths(text: str, *items: Item) -> str:
    """Return a text without the paths and names of the items' files."""
    text = mask_credentials(text)
    for path in (path for item in items for path in _path_parts(item.uri)):
        if len(path) >= _SHORTEST_NAME:
            text = text.replace(path, "...")
    return text


def remove_error_text(text: str) -> str:
    """Return a text without the messages of library errors."""
    return _ERROR_TEXT.sub(rf"\1, its words {WITHHELD}", text)


@lru_cache(maxsize=16)  # called for each text of a record
def _path_parts(uri: str) -> list[str]:
    """Return all the names by which a text may call a file, the longest first."""
    uri, found = mask_credentials(uri), set[str]()
    for path in (uri, *(part.rpartition("://")[2] for part in uri.split("::"))):
        names = {path}
        for separator in ("/", _SEPARATOR.pattern):  # on Linux, a name may hold a backslash
            cuts = [cut.start() for cut in re.finditer(separator, path)]
            names |= {path[cut + 1 :] for cut in cuts}
            if len(cuts) > 1:  # else it is a single word, such as image
                names.add(path[: cuts[-1]])
        found |= names
        if _WINDOWS.search(path):  # an OSError doubles backslashes in its message
            for written in ("/", "\\", "\\\\"):
                found |= {written.join(_SEPARATOR.split(name)) for name in names}
    return sorted(found, key=lambda path: (-len(path), path))
