"""Describe type hints in words."""

import math
import types
import typing
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path",
    type(None): "nothing",
    Any: "anything",
}


def describe_type(hint: Any) -> str:
    """Describe a type in words, such as ``a whole number or [a number from 0 to 1, a text]``."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _within(describe_type(inner[0]), inner[1:])
    if isinstance(hint, type) and hint in _WORDS:
        return _WORDS[hint]
    if origin is typing.Literal:
        return " or ".join(str(choice) for choice in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(describe_type(option) for option in inner)
    if origin is tuple and Ellipsis not in inner:
        return f"[{', '.join(describe_type(part) for part in inner)}]"
    if origin in (tuple, list):
        return f"a list, each {describe_type(inner[0])}"
    if origin is dict:
        return f"keys, each with {describe_type(inner[1])}"
    if is_dataclass(hint):
        return f"keys of {', '.join(each.name for each in fields(hint) if each.init)}"
    return str(getattr(hint, "__name__", hint))


def _within(described: str, metadata: Sequence[Any]) -> str:
    """Return a described type with the limits that the metadata of an ``Annotated`` set."""
    parts = [part for each in metadata for part in (each, *getattr(each, "metadata", ()))]
    above, least, below, most = (
        next((limit for part in parts if (limit := getattr(part, name, None)) is not None), None)
        for name in ("gt", "ge", "lt", "le")
    )
    if below == math.inf:
        described, below = described.replace("a ", "a finite ", 1), None
        above = None if above == -math.inf else above
    if least is not None and most is not None:
        return f"{described} from {_number(least)} to {_number(most)}"
    named = (("above", above), ("of at least", least), ("below", below), ("of at most", most))
    limits = " and ".join(f"{word} {_number(limit)}" for word, limit in named if limit is not None)
    return f"{described} {limits}".rstrip().replace("and of", "and")


def _number(limit: Any) -> str:
    return f"{limit:,}" if isinstance(limit, int | float) else str(limit)
