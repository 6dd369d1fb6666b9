"""Derive unique identifiers deterministically from facts."""

import hashlib
import json


def derive_uid(*facts: str) -> str:
    """Return a UID under the root ``2.25``: 128 bits of the facts' SHA-256 as a version 8 UUID.

    Source: PS3.5 section B.2 (UUID-derived UIDs); RFC 9562 section 5.8 (custom UUIDs).
    """
    digest = bytearray(hashlib.sha256(json.dumps(facts).encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return f"2.25.{int.from_bytes(digest, 'big')}"
