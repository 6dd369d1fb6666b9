"""Make file names from the names of items and labels."""

import hashlib
import re

_PLAIN = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_DIGEST = re.compile(r"-[0-9a-f]{8}")
_LONGEST = 80
_RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[1-9])(\.|$)", re.IGNORECASE)
"""Names of devices on Windows, with any suffix."""


def safe_name(name: str) -> str:
    """Return a file name for any text; it is unique even on case-insensitive file systems.

    Short plain names in lower case stay unchanged; all others end in a digest of the text.
    """
    plain = _PLAIN.fullmatch(name) and not _DIGEST.fullmatch(name[-9:])
    if len(name) <= _LONGEST and plain and not _RESERVED.match(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)[:_LONGEST].strip(".-")
    made = f"{readable or 'slide'}-{digest}"
    return f"slide-{made}" if _RESERVED.match(made) else made
