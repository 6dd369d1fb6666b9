"""What became of every item, in SQLite: written with each batch, read by the reports.

A row is done only if the item's content and the run's digest are unchanged. Whole chunks are
committed at once, so a killed run goes on with the same batches as an undisturbed one. An answered
item that is out of reach has failed, but its row keeps the answer until it is there again.
"""

import errno
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from xxhash import xxh3_128

from diascope.display_text import mask_credentials
from diascope.errors import ReadError, UsageError
from diascope.inputs import file_stamp
from diascope.ledger_file import damaged_ledger_error, file_identity, open_ledger
from diascope.pseudonyms import is_pseudonym
from diascope.records import COLUMNS, pack_record, unpack_record
from diascope.sample import Failed, Found, Item, Record

_CHANGED, _RETRYING = "changed", "retrying"
_SET = ", ".join(f"{column} = ?" for column in COLUMNS)


class Ledger:
    """The ledger of an output folder.

    Args:
        path: the SQLite file; made if it is not there.
        digest: of all that decides a prediction; rows of another digest are done again.

    Attributes:
        failed_on_entry: items that failed as they were entered last.

    Raises:
        OutputError: if the file is not a ledger, or one of another version, or damaged.
    """

    def __init__(self, path: Path, digest: str) -> None:
        self.digest, self._path = digest, path
        self._base = open_ledger(path)
        self._file = file_identity(path)
        self._seen = int(self.load_json("seen", 0))
        self._entered = self.failed_on_entry = self._withdrawn = 0

    def close(self) -> None:
        self._base.close()

    def load_text(self, name: str) -> str | None:
        """Return a remembered text."""
        row = self._base.execute("select value from facts where name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def load_json(self, name: str, otherwise: Any) -> Any:
        """Return what a remembered JSON text says; ``otherwise`` if none is remembered.

        Raises:
            OutputError: if it is damaged.
        """
        text = self.load_text(name)
        try:
            return otherwise if text is None else json.loads(text)
        except ValueError as error:
            raise damaged_ledger_error(
                self._path, f"what stands under {name!r} is no JSON"
            ) from error

    def store_text(self, name: str, value: str) -> None:
        """Remember a text."""
        with self._base:
            self._base.execute("insert or replace into facts values (?, ?)", (name, value))

    @property
    def changed(self) -> bool:
        """Whether any item was added or has ended since the reports were last written."""
        return self.load_text(_CHANGED) == "yes"

    def mark_reported(self) -> None:
        """Note that what was written tells what the ledger holds."""
        self.store_text(_CHANGED, "")

    def add_items(self, found: Iterable[Found], *, retry: bool, limit: int | None = None) -> None:
        """Enter the items of this run, each file once, by whatever names it is found.

        What comes as it came last is not written: SQLite's journal would hold each row's pages.

        Args:
            retry: do failed and skipped items again; of a retry that did not come to its end, only
                those that it did not reach.
            limit: how many at most; of what comes after them, nothing is looked at.

        Raises:
            UsageError: if all are out of reach and several of them were answered; then nothing is
                entered.
        """
        query = "select count(*) from items where seen = ?"
        before, last = self._seen, int(self._base.execute(query, (self._seen,)).fetchone()[0])
        left = self.load_text(_RETRYING) == "yes" and self.counts()["pending"]
        again = retry and not left
        self._entered = self.failed_on_entry = self._withdrawn = 0
        moved = there = False
        with self._base:
            each = (entry for entry in found if not self._is_entered("uri", entry.item.uri))
            for entry in islice(each, limit):
                there |= not isinstance(entry.end, Failed)
                moved |= self._enter(entry, before, last, again)
                self._entered += 1
            if self._withdrawn > 1 and not there:
                raise UsageError(
                    f"none of the {self._entered} items is within reach, of which "
                    f"{self._withdrawn} were answered earlier",
                    hint="Is a disk not mounted, or a store closed? What was answered stays. "
                    "Take off the list what is gone for good.",
                )
            if self._seen == before and self._entered < last:
                self._part()
            facts = {"seen": str(self._seen)}
            if moved or last != self._entered:
                facts[_CHANGED] = "yes"
            if not left:
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
        """Write the ends of a chunk, each with its content digest: all of them or none.

        The digest of a file that changed since it was found is not kept: it is done again.

        Raises:
            FileNotFoundError: if the ledger's file is no longer at its path: SQLite would go on to
                write into it.
        """
        with self._base:
            for record, content in ends:
                done = self._base.execute(
                    f"update items set {_SET}, digest = ?, content = iif(? in (stamp, ''), ?, '') "
                    "where id = ?",
                    (
                        *pack_record(record),
                        self.digest,
                        _stamp(record.item),
                        content,
                        record.item.id,
                    ),
                )
                if done.rowcount != 1:
                    raise KeyError(f"{record.item.id} is no item of this run")
        if file_identity(self._path) != self._file:
            reason = "the ledger is gone, and with it all that was done here"
            raise FileNotFoundError(errno.ENOENT, reason, str(self._path))

    def has_answers(self) -> bool:
        """Whether any item, also of earlier runs, was answered under this digest."""
        query = "select 1 from items where answer is not null and digest = ? limit 1"
        return self._base.execute(query, (self.digest,)).fetchone() is not None

    def counts(self) -> dict[str, int]:
        """Return found, ok, failed, skipped and pending of this run."""
        query = "select state, count(*) from items where seen = ? group by state"
        by_state = dict(self._base.execute(query, (self._seen,)).fetchall())
        names = ("ok", "failed", "skipped", "pending")
        counts = {name: int(by_state.get(name, 0)) for name in names}
        return {"found": sum(counts.values()), **counts}

    def records(self) -> Iterator[Record]:
        """Yield every ended item of this run, in the order in which they were found."""
        cursor = self._base.execute(
            f"select id, uri, stamp, {', '.join(COLUMNS)} from items "
            "where seen = ? and state != 'pending' order by place",
            (self._seen,),
        )
        for name, uri, stamp, *row in cursor:
            yield unpack_record(Item(name, uri, stamp), tuple(row))

    def _part(self) -> None:
        """Tell the items that were entered so far from those of the last run."""
        query = "update items set seen = seen + 1 where seen = ? and place < ?"
        self._base.execute(query, (self._seen, self._entered))
        self._seen += 1

    def _enter(self, entry: Found, before: int, last: int, retry: bool) -> bool:
        """Enter one item; return whether it is new, stands elsewhere or is not done.

        Where the stamp differs, the content decides.
        """
        item, place = self._unique(self._known(entry)), self._entered
        query = (
            "select seen, place, uri, stamp, content, digest, answer is not null, "
            "state, stage, plugin, reason from items where id = ?"
        )
        old = self._base.execute(query, (item.id,)).fetchone()
        if self._seen == before and place < last and (not old or old[:2] != (before, place)):
            self._part()
        row = (self._seen, place, item.uri, entry.stamp)
        if old is not None:
            seen, was, uri, stamp, content, digest, answered, ended, *_ = old
            told = entry.end is None or pack_record(entry.end)[:4] == old[-4:]
            answered, moved = answered and digest == self.digest, (seen, was) != (before, place)
            if answered and isinstance(entry.end, Failed):  # its answer stays as long as that
                new = ended == "ok" or retry
                self._move(item, (*row[:3], stamp))
                self._state(item, *pack_record(entry.end)[:4])
                self._withdrawn += 1
                self.failed_on_entry += new
                return new or moved or not told
            again = retry and ended != "ok" and not answered
            done = digest == self.digest and ended != "pending" and told and not again
            same = stamp == entry.stamp and (
                uri == item.uri
                or (answered and mask_credentials(uri) == mask_credentials(item.uri))  # signed anew
            )
            if done and (same or (content and not entry.end and content_digest(item) == content)):
                if old[:4] != row:
                    self._move(item, row)
                if answered and ended != "ok":  # it was out of reach
                    self._state(item, "ok", None, None, None)
                    return True
                return moved
            if ended == "pending" and entry.end is None and old[:4] == row:
                return True
        self._base.execute(
            "insert or replace into items (seen, place, uri, stamp, id, state) "
            "values (?, ?, ?, ?, ?, 'pending')",
            (*row, item.id),
        )
        if entry.end is not None:
            self._base.execute(
                f"update items set {_SET}, digest = ? where id = ?",
                (*pack_record(entry.end), self.digest, item.id),
            )
            self.failed_on_entry += isinstance(entry.end, Failed)
        return True

    def _move(self, item: Item, row: tuple[int, int, str, str]) -> None:
        """Write where an item stands, its URI and its stamp."""
        query = "update items set seen = ?, place = ?, uri = ?, stamp = ? where id = ?"
        self._base.execute(query, (*row, item.id))

    def _state(self, item: Item, *values: str | None) -> None:
        """Write an item's state, and stage, plugin and reason of its failure."""
        self._base.execute(
            "update items set state = ?, stage = ?, plugin = ?, reason = ? where id = ?",
            (*values, item.id),
        )

    def _is_entered(self, column: str, value: str) -> bool:
        """Say whether an item of that id or URI was entered in this run already."""
        query = f"select 1 from items where {column} = ? and +seen = ? and +place < ?"
        values = (value, self._seen, self._entered)
        return self._base.execute(query, values).fetchone() is not None

    def _known(self, entry: Found) -> Item:
        """Return an item; one that is out of reach under the name of its answer, if it has one.

        Only a pseudonym may tell of what is in the file, and only a pseudonym may stand for one.
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

    def _unique(self, item: Item) -> Item:
        """Two items never share an id: the second of the same name gets a number."""
        name, number = item.id, 1
        while self._is_entered("id", name):
            number += 1
            name = f"{item.id} ({number})"
        return Item(name, item.uri)


def _stamp(item: Item) -> str:
    return "" if "://" in item.uri else file_stamp(Path(item.uri))


def content_digest(item: Item) -> str:
    """Return the XXH3-128 of a local item's content; empty for a URI and for what cannot be read.

    It tells that a file changed, not that somebody forged it, and is many times as fast as SHA-256.
    A URI's stamp is its file system's own checksum; reading it twice could cost a download.
    """
    if "://" in item.uri:
        return ""
    try:
        with item.open() as file:
            return hashlib.file_digest(file, xxh3_128).hexdigest()  # type: ignore[arg-type]
    except (OSError, ReadError):
        return ""
