"""File names made of items and labels, whatever these are called."""

import hashlib
import re

_PLAIN = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_DIGEST = re.compile(r"-[0-9a-f]{8}")
_LONGEST = 80


def safe_name(name: str) -> str:
    """Return a file name for any text; no two texts have the same, also where case is ignored.

    Short plain ones in lower case stay as they are; others end in a digest of the text.
    """
    if len(name) <= _LONGEST and _PLAIN.fullmatch(name) and not _DIGEST.fullmatch(name[-9:]):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)[:_LONGEST].strip(".-")
    return f"{readable or 'slide'}-{digest}"
