"""What is wrong with a file that a library could not read."""

import re

from diascope.errors import reason_of

_UNKNOWN = re.compile(
    r"unsupported (?!or missing)|not (supported|implemented|configured)", re.IGNORECASE
)


def describe_failure(error: Exception) -> tuple[str, str]:
    """Return what the file is, as the end of a sentence, and the library's own reason.

    A sound file may be in a compression or an order of its samples that the library lacks. What
    Python itself does not support is an operation on a header's odd value.
    """
    reason = reason_of(error)
    unknown = not isinstance(error, TypeError) and _UNKNOWN.search(reason)
    return "stored in a way that is not read here" if unknown else "truncated or damaged", reason
