"""What reports say with ``privacy: strict``: texts that quote neither a file nor its path."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from diascope.sample import Item, Prediction, Record
from diascope.words import masked

Privacy = Literal["none", "strict"]

WITHHELD = "withheld (privacy: strict)"
BURNED_IN = (
    "the file says that text is burned into its picture: it may name a person, and the model may "
    "have read it"
)

_SHORTEST_NAME = 4  # a file named 1 would take the numbers out of all texts
_RAISED = re.compile(r"\b(\w*(?:[Ee]rror|Exception|Warning|SystemExit)): .*", re.DOTALL)
_QUOTED = re.compile(r"(?<!\w)('[^']*'|\"[^\"]*\")")


def says_burned_in(facts: Mapping[str, str]) -> bool:
    """Say whether a file states that text is burned into its picture."""
    return facts.get("burned_in", "").strip().upper() == "YES"


def discreet(record: Record) -> Record:
    """Return a record whose texts quote neither its file nor its path.

    Without picture and evidence if text is burned into the picture.
    """
    if not isinstance(record, Prediction):
        return replace(record, reason=unquoted(record.reason, record.item))
    trace = tuple(unquoted(line, record.item) for line in record.trace)
    if BURNED_IN not in record.warnings:
        return replace(record, trace=trace)
    return replace(
        record,
        trace=(*trace, f"picture and evidence {WITHHELD}: text is burned into the picture"),
        preview=None,
        evidence=(),
        overview=None,
        regions=None,
    )


def unquoted(text: str, item: Item) -> str:
    """Return a text without what may tell of the item's file.

    That is its path and its name, what stands in quotes, and the words of errors that libraries
    raise.
    """
    text, pieces = masked(text), masked(item.uri).split("/")
    paths = ["/".join(pieces[start:]) for start in range(len(pieces))]
    for path in (*paths, "/".join(pieces[:-1])):
        if len(path) >= _SHORTEST_NAME:
            text = text.replace(path, "...")
    return _RAISED.sub(rf"\1, its words {WITHHELD}", _QUOTED.sub("'...'", text))
