"""The result of every item, in SQLite: written after each chunk, read by the reports.

An item is done only if its content and the run's digest are unchanged. A chunk is committed as a
whole, so that a killed run resumes with the same batches as an undisturbed one. An answered item
that can no longer be read counts as failed; its row keeps the answer until it can be.
"""

import errno
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from diascope.errors import UsageError
from diascope.fingerprints import local_stamp
from diascope.ledger_changes import Change, find_change, has_same_end, is_answered
from diascope.ledger_file import damaged_ledger_error, file_identity, find_row, open_ledger
from diascope.pseudonyms import is_pseudonym
from diascope.records import COLUMNS, pack_record, unpack_record
from diascope.sample import Failed, Found, Item, Record

_CHANGED, _RETRYING = "changed", "retrying"
_SET = ", ".join(f"{column} = ?" for column in COLUMNS)


class Ledger:
    """The ledger of an output folder.

    Args:
        path: the SQLite file; created if it does not exist.
        digest: digest of everything that affects a prediction; items with another digest are
            processed again.

    Attributes:
        failed_on_entry: how many items failed when items were last added.
        outdated: how many of these have an answer of another digest, and are processed again.

    Raises:
        OutputError: if the file is not a ledger, is of another version, or is damaged.
    """

    def __init__(self, path: Path, digest: str) -> None:
        self.digest, self._path = digest, path
        self._base = open_ledger(path)
        self._file = file_identity(path)
        self._seen = int(self.load_json("seen", 0))
        self._added = self.failed_on_entry = self.outdated = self._unreachable = 0

    def close(self) -> None:
        self._base.close()

    def load_text(self, name: str) -> str | None:
        """Return the text stored under a name; None if there is none."""
        row = self._base.execute("select value from facts where name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def load_json(self, name: str, default: Any) -> Any:
        """Return the value of the JSON text stored under a name; ``default`` if there is none.

        Raises:
            OutputError: if the text is not JSON.
        """
        text = self.load_text(name)
        try:
            return default if text is None else json.loads(text)
        except ValueError as error:
            raise damaged_ledger_error(self._path, f"the text {name!r} is not JSON") from error

    def load_current(self, name: str, default: Any = None) -> Any:
        """Return the value that ``store_current`` stored under this digest; else ``default``."""
        digest, value = self.load_json(name, ["", default])
        return value if digest == self.digest else default

    def store_current(self, name: str, value: Any) -> None:
        """Store a JSON value that is valid only for this digest."""
        self.store_text(name, json.dumps([self.digest, value]))

    def store_text(self, name: str, value: str) -> None:
        """Store a text under a name."""
        with self._base:
            self._base.execute("insert or replace into facts values (?, ?)", (name, value))

    @property
    def changed(self) -> bool:
        """Whether any item was added or has ended since the reports were last written."""
        return self.load_text(_CHANGED) == "yes"

    def mark_reported(self) -> None:
        """Note that the reports show what the ledger holds."""
        self.store_text(_CHANGED, "")

    def add_items(self, found: Iterable[Found], *, retry: bool, limit: int | None = None) -> None:
        """Add the items of this run; a file that is found under several names is added once.

        Items that come in the same order as in the last run are not written again, because
        SQLite's journal would have to hold the pages of all their rows.

        Args:
            retry: process failed and skipped items again; if a retry was interrupted, only those
                that it did not reach.
            limit: the most items to add; later ones are not even looked for.

        Raises:
            UsageError: if no item can be reached and several were answered earlier. Nothing is
                added then.
        """
        query = "select count(*) from items where seen = ?"
        last_seen = self._seen
        last_count = int(self._base.execute(query, (last_seen,)).fetchone()[0])
        unfinished_retry = self.load_text(_RETRYING) == "yes" and self.counts()["pending"]
        again = retry and not unfinished_retry
        self._added = self.failed_on_entry = self.outdated = self._unreachable = 0
        changed = any_reachable = False
        with self._base:
            new = (entry for entry in found if not self._is_added("uri", entry.item.uri))
            for entry in islice(new, limit):
                any_reachable |= not isinstance(entry.end, Failed)
                changed |= self._add_item(entry, last_seen, last_count, again)
                self._added += 1
            if self._unreachable > 1 and not any_reachable:
                raise UsageError(
                    f"none of the {self._added} items can be reached; {self._unreachable} of them "
                    "were answered earlier",
                    hint="Is a disk not mounted, or a store unavailable? The answers are kept. "
                    "Remove from the list what is gone for good.",
                )
            if self._seen == last_seen and self._added < last_count:
                self._leave_last_run()
            facts = {"seen": str(self._seen)}
            if changed or last_count != self._added:
                facts[_CHANGED] = "yes"
            if not unfinished_retry:
                facts[_RETRYING] = "yes" if retry else ""
            self._base.executemany("insert or replace into facts values (?, ?)", facts.items())

    def pending_chunks(self, size: int) -> Iterator[list[Item]]:
        """Yield chunks of items that are not done, in the order in which they were found."""
        place = -1
        query = (
            "select id, uri, place from items where seen = ? and place > ? and state = 'pending' "
            "order by place limit ?"
        )
        while rows := self._base.execute(query, (self._seen, place, size)).fetchall():
            place = rows[-1][2]
            yield [Item(name, uri) for name, uri, _ in rows]

    def record(self, ends: Sequence[tuple[Record, str]]) -> None:
        """Write the records of a chunk, each with its content digest: all of them or none.

        If a file has changed since it was found, its digest is not stored, so that the next run
        processes it again.

        Raises:
            FileNotFoundError: if the ledger's file was deleted or replaced; SQLite would continue
                to write into the old one.
        """
        with self._base:
            for record, content in ends:
                values = (*pack_record(record), self.digest, local_stamp(record.item), content)
                done = self._base.execute(
                    f"update items set {_SET}, digest = ?, content = iif(? in (stamp, ''), ?, '') "
                    "where id = ?",
                    (*values, record.item.id),
                )
                if done.rowcount != 1:
                    raise KeyError(f"{record.item.id} is not an item of this run")
        if file_identity(self._path) != self._file:
            reason = "the ledger is gone, and with it all that was done here"
            raise FileNotFoundError(errno.ENOENT, reason, str(self._path))

    def has_answers(self) -> bool:
        """Whether any item, of this run or an earlier one, was answered under this digest."""
        query = "select 1 from items where answer is not null and digest = ? limit 1"
        return self._base.execute(query, (self.digest,)).fetchone() is not None

    def counts(self) -> dict[str, int]:
        """Return the numbers of found, ok, failed, skipped and pending items of this run."""
        query = "select state, count(*) from items where seen = ? group by state"
        by_state = dict(self._base.execute(query, (self._seen,)).fetchall())
        names = ("ok", "failed", "skipped", "pending")
        counts = {name: int(by_state.get(name, 0)) for name in names}
        return {"found": sum(counts.values()), **counts}

    def records(self) -> Iterator[Record]:
        """Yield the records of this run, in the order in which the items were found."""
        cursor = self._base.execute(
            f"select id, uri, stamp, {', '.join(COLUMNS)} from items "
            "where seen = ? and state != 'pending' order by place",
            (self._seen,),
        )
        for name, uri, stamp, *row in cursor:
            yield unpack_record(Item(name, uri, stamp), tuple(row))

    def _leave_last_run(self) -> None:
        """Give this run a number of its own, and the items added so far that number."""
        query = "update items set seen = seen + 1 where seen = ? and place < ?"
        self._base.execute(query, (self._seen, self._added))
        self._seen += 1

    def _add_item(self, entry: Found, last_seen: int, last_count: int, retry: bool) -> bool:
        """Add one item; return whether it is new, has another place, or is not done."""
        item, place = self._with_unique_id(self._restore_id(entry)), self._added
        old = find_row(self._base, item.id)
        in_place = old is not None and (old.seen, old.place) == (last_seen, place)
        if self._seen == last_seen and place < last_count and not in_place:
            self._leave_last_run()
        position = (self._seen, place, item.uri, entry.stamp)
        change = find_change(old, item, entry, position, self.digest, retry=retry)
        if old is None or change is Change.RESTART:
            answered = old is not None and bool(old.answered) and old.digest != self.digest
            self.outdated += answered and entry.end is None
            self._restart(item, position, entry.end)
        elif change is Change.UNREACHABLE:
            newly_failed = old.state == "ok" or retry
            self._keep_unreachable(item, (*position[:3], old.stamp), entry.end)
            self.failed_on_entry += newly_failed
            return newly_failed or not in_place or not has_same_end(old, entry)
        elif change is Change.NONE:
            if old[:4] != position:
                self._write_position(item, position)
            if old.state == "ok" or not is_answered(old, self.digest):
                return not in_place
            self._write_state(item, "ok", None, None, None)  # it was unreachable
        return True

    def _restart(self, item: Item, position: tuple[int, int, str, str], end: Record | None) -> None:
        """Write an item that is not done, or that has ended without having been read."""
        self._base.execute(
            "insert or replace into items (seen, place, uri, stamp, id, state) "
            "values (?, ?, ?, ?, ?, 'pending')",
            (*position, item.id),
        )
        if end is not None:
            self._base.execute(
                f"update items set {_SET}, digest = ? where id = ?",
                (*pack_record(end), self.digest, item.id),
            )
            self.failed_on_entry += isinstance(end, Failed)

    def _keep_unreachable(self, item: Item, position: tuple[int, int, str, str], end: Any) -> None:
        """Write that an item cannot be read; its row keeps the answer."""
        self._write_position(item, position)
        self._write_state(item, *pack_record(end)[:4])
        self._unreachable += 1

    def _write_position(self, item: Item, position: tuple[int, int, str, str]) -> None:
        """Write an item's run, place, URI and stamp."""
        query = "update items set seen = ?, place = ?, uri = ?, stamp = ? where id = ?"
        self._base.execute(query, (*position, item.id))

    def _write_state(self, item: Item, *values: str | None) -> None:
        """Write an item's state, and stage, plugin and reason of its failure."""
        self._base.execute(
            "update items set state = ?, stage = ?, plugin = ?, reason = ? where id = ?",
            (*values, item.id),
        )

    def _is_added(self, column: str, value: str) -> bool:
        """Whether an item of that id or URI was already added in this run."""
        # the plus signs keep SQLite from using the index of seen and place
        query = f"select 1 from items where {column} = ? and +seen = ? and +place < ?"
        values = (value, self._seen, self._added)
        return self._base.execute(query, values).fetchone() is not None

    def _restore_id(self, entry: Found) -> Item:
        """Return an item; if it is an unreachable pseudonymous one, under the id of its answer.

        The pseudonym of a DICOM file depends on its content, which cannot be read now.
        """
        if not (isinstance(entry.end, Failed) and is_pseudonym(entry.item.id)):
            return entry.item
        query = (
            "select id from items where uri = ? and digest = ? and answer is not null "
            "order by id != ?"
        )
        rows = self._base.execute(query, (entry.item.uri, self.digest, entry.item.id))
        name = next((name for (name,) in rows if is_pseudonym(name)), entry.item.id)
        return Item(name, entry.item.uri)

    def _with_unique_id(self, item: Item) -> Item:
        """Return an item with a number after its id if another item of this run has the same id."""
        name, number = item.id, 1
        while self._is_added("id", name):
            number += 1
            name = f"{item.id} ({number})"
        return Item(name, item.uri)
