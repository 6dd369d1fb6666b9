"""Explain why a library could not read a file."""

import re

from diascope.errors import reason_of

_UNSUPPORTED = re.compile(
    r"unsupported (?!or missing)|not (supported|implemented|configured)", re.IGNORECASE
)


def describe_failure(error: Exception) -> tuple[str, str]:
    """Return what is wrong with the file, as the end of a sentence, and the library's own reason.

    An intact file may use a compression or sample layout that the library does not support. A
    TypeError that says "unsupported" comes from Python, for an odd value in a damaged header.
    """
    reason = reason_of(error)
    is_unsupported = not isinstance(error, TypeError) and _UNSUPPORTED.search(reason)
    state = "stored in a way that is not supported" if is_unsupported else "truncated or damaged"
    return state, reason
