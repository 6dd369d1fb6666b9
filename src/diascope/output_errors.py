"""Errors of an output folder during a run: it is full, read-only, locked or gone."""

import errno
import os
import sqlite3
from contextlib import suppress
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FULL_LEDGER = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_WRITE")
_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT)
_UNWRITABLE_LEDGER = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_BUSY)


def describe_output_error(error: OSError | sqlite3.Error, output: Path) -> str:
    """Return what is wrong with the output folder; empty if the error has another cause.

    Args:
        output: the resolved path of the folder.
    """
    if is_disk_full(error):
        return f"the disk is full: {error}"
    if isinstance(error, sqlite3.Error):
        unwritable, reason = is_unwritable(error), str(error)
    else:
        unwritable = error.errno in _UNWRITABLE and _is_below(error.filename, output)
        reason = f"{error.strerror}: {error.filename}"
    return f"the output folder can no longer be written: {reason}" if unwritable else ""


def is_disk_full(error: BaseException) -> bool:
    """Whether the disk is full or the user's quota is used up."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorname", "") in _FULL_LEDGER
    return getattr(error, "errno", None) in _FULL


def is_unwritable(error: sqlite3.Error) -> bool:
    """Whether a ledger is read-only, locked by another program, or gone."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNWRITABLE_LEDGER


def _is_below(name: object, output: Path) -> bool:
    if not isinstance(name, str | Path):
        return False
    with suppress(FileNotFoundError):  # the current folder was deleted
        return Path(os.path.realpath(name)).is_relative_to(output)
    return False
