"""Format type hints, file names that are not UTF-8, and URLs with credentials for display."""

import math
import re
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
_QUERY = re.compile(r"""\?[^\s"'<>\\]*""")
_SIGNATURE = re.compile(r"(x-amz-signature|x-goog-signature|signature|sig)=", re.IGNORECASE)
_SIGNING = re.compile(  # parameters of S3, Google Cloud Storage and CloudFront, then of Azure
    r"(x-amz-[\w-]+|x-goog-[\w-]+|\w*accesskeyid|googleaccessid|signature|expires"
    r"|key-pair-id|policy|s(v|s|rt|p|t|e|ip|pr|i|ig|r|koid|ktid|kt|ke|ks|kv|aoid|uoid|cid|dd|es))=",
    re.IGNORECASE,
)


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
        return f"keys of {', '.join(each.name for each in fields(hint))}"
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


def as_utf8(text: str) -> str:
    """Return a file name or command with bytes that are not UTF-8 as backslash escapes."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # a lone surrogate, as JSON may contain
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def replace_undecodable(text: str) -> str:
    """Return text that can be encoded: bytes of a file name that are not UTF-8 become ``?``."""
    return text.encode("utf-8", "replace").decode("utf-8")


def quote(value: str) -> str:
    """Return a value of a file in quotes; ``privacy: strict`` withholds what is in quotes.

    An apostrophe in it becomes a blank, because it would look like the end.
    """
    return "'" + value.replace("'", " ") + "'"


def mask_credentials(text: str) -> str:
    """Return a text with the passwords and signatures of its URLs removed."""
    return _QUERY.sub(_remove_signature, re.sub(r'://[^/\s"]*@', "://***@", text))


def _remove_signature(query: re.Match[str]) -> str:
    """Return the query of a URL without its signature and the related parameters."""
    parts = query[0][1:].split("&")
    if not any(map(_SIGNATURE.match, parts)):
        return query[0]
    kept = "&".join(part for part in parts if not _SIGNING.match(part))
    return f"?{kept}" if kept else ""
