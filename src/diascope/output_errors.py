"""What can befall an output folder while a run writes there: it is full, closed, locked or gone."""

import errno
import os
import sqlite3
from contextlib import suppress
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FULL_LEDGER = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_WRITE")
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT)
_CLOSED_LEDGER = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY)


def describe_output_error(error: OSError | sqlite3.Error, output: Path) -> str:
    """Return what befell the output folder, a resolved path; empty if the error is not about it."""
    if is_disk_full(error):
        return f"the disk is full: {error}"
    if isinstance(error, sqlite3.Error):
        closed, told = is_unwritable(error), str(error)
    else:
        closed = error.errno in _CLOSED and _is_below(error.filename, output)
        told = f"{error.strerror}: {error.filename}"
    return f"the output folder can no longer be written: {told}" if closed else ""


def is_disk_full(error: BaseException) -> bool:
    """Whether the disk, or what a user may take of it, has no room left."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorname", "") in _FULL_LEDGER
    return getattr(error, "errno", None) in _FULL


def is_unwritable(error: sqlite3.Error) -> bool:
    """Whether a ledger cannot be written, is locked by another program, or is gone."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _CLOSED_LEDGER


def _is_below(name: object, output: Path) -> bool:
    if not isinstance(name, str | Path):
        return False
    with suppress(FileNotFoundError):  # the current folder is gone
        return Path(os.path.realpath(name)).is_relative_to(output)
    return False
