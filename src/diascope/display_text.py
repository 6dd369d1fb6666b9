"""Prepare counts, lists, file names that are not UTF-8 and URLs with credentials for display."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

_QUERY = re.compile(r"""\?[^\s"'<>\\]*""")
_SIGNATURE = re.compile(r"(x-amz-signature|x-goog-signature|signature|sig)=", re.IGNORECASE)
_SIGNING = re.compile(  # parameters of S3, Google Cloud Storage and CloudFront, then of Azure
    r"(x-amz-[\w-]+|x-goog-[\w-]+|\w*accesskeyid|googleaccessid|signature|expires"
    r"|key-pair-id|policy|s(v|s|rt|p|t|e|ip|pr|i|ig|r|koid|ktid|kt|ke|ks|kv|aoid|uoid|cid|dd|es))=",
    re.IGNORECASE,
)


def plural(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 item`` or ``1,431 items``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_some(names: Sequence[str]) -> str:
    """Return the first three names and how many more there are: ``a, b, c and 4 more``."""
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def suggest(word: str, allowed: list[str]) -> str:
    """Return a hint that lists the allowed words and suggests the closest one, if one is close
    in anything but capitals."""
    folded = {each.casefold(): each for each in allowed}
    close = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    suggestion = f"Did you mean {folded[close[0]]!r}? " if close else ""
    return f"{suggestion}Allowed: {', '.join(sorted(allowed))}."


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
