"""Give items pseudonyms, for a run with ``privacy: strict``.

The ledger is not a report: it stays with the data, and links the pseudonyms to the files' paths.
"""

import hashlib
import hmac
import os
import re
import secrets
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from diascope.errors import UsageError
from diascope.library_warnings import capture_warnings
from diascope.sample import Found, Item

KEY_VARIABLE = "DIASCOPE_PRIVACY_KEY"
_KEY_LENGTH = 16
_DIGITS = 20  # 4 bits each: two of a million items collide once in 10^12 runs
_PSEUDONYM = re.compile(rf"[0-9a-f]{{{_DIGITS}}}( \(\d+\))?")
_INSTANCE = re.compile(r"/instances/([0-9.]+)$")
_LAST_TAG = 0x00080018  # SOP Instance UID
_BARE_STARTS = {group.to_bytes(2, order) for group in (2, 8) for order in ("little", "big")}


def pseudonymise(found: Iterable[Found]) -> Iterator[Found]:
    """Yield the same items with a keyed hash as id (HMAC-SHA256, 20 hexadecimal digits).

    For a DICOM file the SOP Instance UID is hashed, so that all copies have the same pseudonym; for
    other files the path. Remote files are not opened: of an address that ends in
    ``/instances/UID``, that UID is hashed.

    Raises:
        UsageError: if there is no key and none can be created.
    """
    key = _key()
    for entry in found:
        name = "" if entry.end else _instance_uid(entry.item)
        identity = f"instance {name}" if name else f"path {entry.item.id}"
        digest = hmac.new(key, identity.encode(), hashlib.sha256).hexdigest()
        item = Item(digest[:_DIGITS], entry.item.uri)
        end = None if entry.end is None else replace(entry.end, item=item)
        yield Found(item, entry.stamp, end)


def is_pseudonym(name: str) -> bool:
    """Whether a name looks like a pseudonym, also one with the number of a further copy."""
    return _PSEUDONYM.fullmatch(name) is not None


def looks_like_dicom(head: bytes) -> bool:
    """Whether a file's first bytes, at least 132, have DICOM's prefix or begin as without one."""
    return head[128:132] == b"DICM" or head[:2] in _BARE_STARTS


def _instance_uid(item: Item) -> str:
    """Return the SOP Instance UID of a DICOM file; empty for other files and damaged ones."""
    if "://" in item.uri:
        named = _INSTANCE.search(item.uri)
        return named[1] if named else ""
    try:
        from pydicom.filereader import read_partial

        with item.open() as file, capture_warnings():  # they would quote values
            if not looks_like_dicom(file.read(132)):
                return ""
            file.seek(0)
            header = read_partial(file, lambda tag, *_: tag > _LAST_TAG, force=True)
            raw = header.get_item("SOPInstanceUID")  # unconverted: pydicom logs invalid values
            return "" if raw is None else bytes(raw.value or b"").decode().strip("\0 ")
    except Exception:  # no pydicom, or an unreadable header: the path is hashed instead
        return ""


def _key() -> bytes:
    where, key = KEY_VARIABLE, os.environ.get(KEY_VARIABLE)
    if key is None:
        path = _home_folder() / ".config" / "diascope" / "privacy.key"
        where, key = str(path), _load_key(path)
    if len(key) < _KEY_LENGTH:
        raise UsageError(f"the key must have at least {_KEY_LENGTH} characters", where=where)
    return key.encode(errors="surrogateescape")  # a key may consist of random bytes


def _home_folder() -> Path:
    try:
        return Path.home()
    except RuntimeError as error:  # an unknown user and no HOME, as in some containers
        reason = "there is no home folder for the key that privacy: strict needs"
        raise UsageError(reason, hint=f"Set {KEY_VARIABLE}.") from error


def _load_key(path: Path) -> str:
    """Return the key in a file; create the file with a random key if it does not exist."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(secrets.token_hex(32))
            except OSError:  # the disk is full; do not leave a file without a key
                path.unlink()
                raise
            message = f"a key was made, {path}: keep it, because another gives other pseudonyms"
            warnings.warn(message, stacklevel=2)
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise UsageError("others can read the key", where=str(path), hint=f"chmod 600 {path}")
        return path.read_text(encoding="utf-8", errors="surrogateescape").strip()
    except OSError as error:
        reason = f"the key that privacy: strict needs cannot be kept: {error.strerror}"
        raise UsageError(reason, where=str(path), hint=f"Set {KEY_VARIABLE}.") from error
