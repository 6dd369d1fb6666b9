"""What a program holds, in words for people: type hints, names not in UTF-8, addresses."""

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
_QUERY = re.compile(r"""\?[^\s"'<>\\]*""")
_SIGNATURE = re.compile(r"(x-amz-signature|x-goog-signature|signature|sig)=", re.IGNORECASE)
_SIGNING = re.compile(  # of S3, Google's storage and CloudFront; then of Azure
    r"(x-amz-[\w-]+|x-goog-[\w-]+|\w*accesskeyid|googleaccessid|signature|expires"
    r"|key-pair-id|policy|s(v|s|rt|p|t|e|ip|pr|i|ig|r|koid|ktid|kt|ke|ks|kv|aoid|uoid|cid|dd|es))=",
    re.IGNORECASE,
)


def describe_type(hint: Any) -> str:
    """Return what a value of that type is, such as ``a whole number or [a number, a number]``."""
    if hint in _WORDS:
        return _WORDS[hint]
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
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


def as_utf8(text: str) -> str:
    """Write out bytes of a file's name or of a command that are not UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half of a pair, as JSON may hold
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def replace_undecodable(text: str) -> str:
    """Return text that files of data take: a file's name may hold bytes that are no Unicode."""
    return text.encode("utf-8", "replace").decode("utf-8")


def mask_credentials(text: str) -> str:
    """Return a text without the passwords of its addresses, and without what signs them."""
    return _QUERY.sub(_unsigned, re.sub(r'://[^/\s"]*@', "://***@", text))


def _unsigned(query: re.Match[str]) -> str:
    """Return the query of an address without its signature and what that came with."""
    parts = query[0][1:].split("&")
    if not any(map(_SIGNATURE.match, parts)):
        return query[0]
    kept = "&".join(part for part in parts if not _SIGNING.match(part))
    return f"?{kept}" if kept else ""
