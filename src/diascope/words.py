"""What a program holds, in words for people: type hints, and names that are not UTF-8."""

import os
import re
import types
import typing
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


def in_words(hint: Any) -> str:
    """Return what a value of that type is, such as ``a whole number or [a number, a number]``."""
    if hint in _WORDS:
        return _WORDS[hint]
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return " or ".join(str(choice) for choice in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(in_words(option) for option in inner)
    if origin is tuple and Ellipsis not in inner:
        return f"[{', '.join(in_words(part) for part in inner)}]"
    if origin in (tuple, list):
        return f"a list, each {in_words(inner[0])}"
    if origin is dict:
        return f"keys, each with {in_words(inner[1])}"
    if is_dataclass(hint):
        return f"keys of {', '.join(each.name for each in fields(hint))}"
    return str(getattr(hint, "__name__", hint))


def as_utf8(text: str) -> str:
    """Write out bytes of a file's name or of a command that are not UTF-8."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def readable(text: str) -> str:
    """Return text that files of data take: a file's name may hold bytes that are no Unicode."""
    return text.encode("utf-8", "replace").decode("utf-8")


def masked(text: str) -> str:
    """Return a text without the passwords of its addresses."""
    return re.sub(r'://[^/\s"]*@', "://***@", text)
