"""Open the SQLite file of a ledger, identify it, and recognise damage."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

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
_VERSION = 3
_EARLIER = 2
"""The version without attention weights of regions; its ledgers are read and continued."""
_JOURNAL_BYTES = 64 << 20
"""Size to which the journal is truncated, after a run that moved all items to other places."""
_LOCK_TIMEOUT_S = 30.0
"""How long to wait while another program, such as a backup, has the ledger locked."""


class LedgerRow(NamedTuple):
    """What a ledger holds of an item: its position, its content, and how it ended."""

    seen: int
    place: int
    uri: str
    stamp: str
    content: str | None
    digest: str | None
    answered: int
    state: str
    stage: str | None
    plugin: str | None
    reason: str | None


def open_ledger(path: Path) -> sqlite3.Connection:
    """Return a connection to a ledger, which is created if it does not exist.

    Raises:
        OutputError: if the file is not a ledger, is of another version, or is damaged.
    """
    try:
        # an executor may take its chunks in another thread; only this thread writes
        base = sqlite3.connect(path, timeout=_LOCK_TIMEOUT_S, check_same_thread=False)
        base.execute("pragma journal_mode = wal")
        base.execute(f"pragma journal_size_limit = {_JOURNAL_BYTES}")
        version = base.execute("pragma user_version").fetchone()[0]
        if version in (0, _EARLIER, _VERSION):
            base.executescript(_SCHEMA)
            base.execute(f"pragma user_version = {_VERSION}")
    except UnicodeDecodeError as error:  # a name in the schema is not UTF-8
        raise damaged_ledger_error(path, error) from error
    except sqlite3.OperationalError as error:
        if not is_unwritable(error):
            raise  # the disk is full
        raise OutputError(f"cannot be written: {error}", where=str(path)) from error
    except sqlite3.DatabaseError as error:
        if is_corruption(error):
            raise damaged_ledger_error(path, error) from error
        raise OutputError(f"is not a ledger: {error}", where=str(path)) from error
    if version not in (0, _EARLIER, _VERSION):
        raise OutputError(
            f"is a ledger of version {version}, not {_VERSION}",
            where=str(path),
            hint="Choose another output folder.",
        )
    return base


def find_row(base: sqlite3.Connection, name: str) -> LedgerRow | None:
    """Return what a ledger holds of the item with an id; None if nothing."""
    query = (
        "select seen, place, uri, stamp, content, digest, answer is not null, "
        "state, stage, plugin, reason from items where id = ?"
    )
    row = base.execute(query, (name,)).fetchone()
    return None if row is None else LedgerRow(*row)


def file_identity(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of a file, which identify it; None if it does not exist."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def is_corruption(error: sqlite3.Error) -> bool:
    """Whether an error means that the database file is corrupt."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:  # raised by Python itself, for a text that is not UTF-8
        return isinstance(error, sqlite3.OperationalError)
    return code & 0xFF == sqlite3.SQLITE_CORRUPT


def damaged_ledger_error(path: Path, cause: Exception | str) -> OutputError:
    """Return the error for a damaged ledger, without quoting any of its content."""
    reason = str(cause).partition(" (")[0]  # the brackets may quote a name
    if isinstance(cause, UnicodeDecodeError) or "decode to UTF-8" in reason:
        reason = "a text in it is not UTF-8"
    hint = "Restore it from a copy, or choose another --output."
    return OutputError(f"the ledger is damaged: {reason}", where=str(path), hint=hint)
