"""The file of a ledger: opened, told from every other file, and found damaged."""

import sqlite3
from pathlib import Path

from diascope.errors import OutputError
from diascope.output_errors import is_unwritable

_SCHEMA = """
create table if not exists items (
  id text primary key, uri text, stamp text, seen integer, place integer,
  state text, stage text, plugin text, reason text, content text, digest text,
  answer text, preview blob, maps blob, overview blob, mask blob, regions blob
);
create index if not exists items_by_place on items (seen, place);
create index if not exists items_by_uri on items (uri);
create table if not exists facts (name text primary key, value text);
"""
_VERSION = 2
_JOURNAL_BYTES = 64 << 20
"""To which the journal is cut back after a run whose items all stand elsewhere than before."""
_PATIENCE_S = 30.0
"""For which another program, such as one that copies it, may hold a ledger locked."""


def open_ledger(path: Path) -> sqlite3.Connection:
    """Return a connection to a ledger; made if it is not there.

    Raises:
        OutputError: if the file is not a ledger, or one of another version, or damaged.
    """
    try:
        # an executor may take its chunks in a thread; only the one that opened it writes
        base = sqlite3.connect(path, timeout=_PATIENCE_S, check_same_thread=False)
        base.execute("pragma journal_mode = wal")
        base.execute(f"pragma journal_size_limit = {_JOURNAL_BYTES}")
        version = base.execute("pragma user_version").fetchone()[0]
        if version in (0, _VERSION):
            base.executescript(_SCHEMA)
            base.execute(f"pragma user_version = {_VERSION}")
    except UnicodeDecodeError as error:  # of a name in its schema
        raise damaged_ledger_error(path, error) from error
    except sqlite3.OperationalError as error:
        if not is_unwritable(error):
            raise  # the disk is full
        raise OutputError(f"cannot be written: {error}", where=str(path)) from error
    except sqlite3.DatabaseError as error:
        if is_corruption(error):
            raise damaged_ledger_error(path, error) from error
        raise OutputError(f"is not a ledger: {error}", where=str(path)) from error
    if version not in (0, _VERSION):
        raise OutputError(
            f"is a ledger of version {version}, not {_VERSION}",
            where=str(path),
            hint="Choose another output folder.",
        )
    return base


def file_identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from every other one, by whatever name; None if there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def is_corruption(error: sqlite3.Error) -> bool:
    """Whether SQLite found that a file does not hold what was written to it."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:  # Python itself found it: a text that is not UTF-8
        return isinstance(error, sqlite3.OperationalError)
    return code & 0xFF == sqlite3.SQLITE_CORRUPT


def damaged_ledger_error(path: Path, cause: Exception | str) -> OutputError:
    """Return the error that tells of a damaged ledger, and quotes nothing of what it holds."""
    reason = str(cause).partition(" (")[0]  # a name in brackets may be anything
    if isinstance(cause, UnicodeDecodeError) or "decode to UTF-8" in reason:
        reason = "a text in it is not UTF-8"
    hint = "Restore it from a copy, or choose another --output."
    return OutputError(f"the ledger is damaged: {reason}", where=str(path), hint=hint)
