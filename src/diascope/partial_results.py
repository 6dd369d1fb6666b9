"""Keep the answers to the first regions of an item, so that a killed run resumes within it."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from diascope.fingerprints import local_stamp
from diascope.records import COLUMNS, pack_record, unpack_record
from diascope.remote import remote_stamp
from diascope.sample import Item, Prediction

_VALUES = ", ".join("?" * (1 + len(COLUMNS)))


@dataclass(frozen=True)
class PartialResults:
    """A folder with one SQLite file for each unfinished item; picklable.

    Attributes:
        folder: if it does not exist, as on a machine that does not share it, nothing is kept.
        digest: digest of everything that affects a prediction; answers of another are not found.
    """

    folder: Path
    digest: str

    def count(self, item: Item) -> int:
        """Return how many of the item's regions are answered, counted from the first.

        The answers are removed if they belong to another content of the item, or if their file is
        empty after a kill, has gaps, or is damaged; the count is 0 then.
        """
        path = self._path(item)
        if not path.exists():
            return 0
        try:
            with closing(sqlite3.connect(path)) as base:
                (count,) = base.execute("select count(*) from parts").fetchone()
                if _matches_content(item, base) and count == _next_number(base):
                    return int(count)
        except sqlite3.DatabaseError:
            pass
        path.unlink()
        return 0

    def predictions(self, item: Item, count: int) -> Iterator[Prediction]:
        """Yield the answers of the item's first ``count`` regions."""
        with closing(sqlite3.connect(self._path(item))) as base:
            query = f"select {', '.join(COLUMNS)} from parts where number < ? order by number"
            for row in base.execute(query, (count,)):
                prediction = unpack_record(item, row)
                assert isinstance(prediction, Prediction)
                yield prediction

    def add(self, item: Item, start: int, predictions: Sequence[Prediction]) -> None:
        """Keep the answers of regions ``start``, ``start + 1``...: all of them or none.

        None are kept if the item's content has changed since its first answers, or if earlier
        regions are missing, so that there are no gaps.
        """
        if not self.folder.is_dir():
            return
        rows = (
            (start + index, *pack_record(prediction, lossless=True))
            for index, prediction in enumerate(predictions)
        )
        with closing(sqlite3.connect(self._path(item))) as base, base:
            base.execute("begin")  # so that the tables are part of the transaction, too
            columns = f"number integer primary key, {', '.join(COLUMNS)}"
            base.execute(f"create table if not exists parts ({columns})")
            base.execute("create table if not exists content (stamp text)")
            if start == 0:
                base.execute("delete from parts")
                base.execute("delete from content")
                base.execute("insert into content values (?)", (_stamp(item),))
            elif not _matches_content(item, base) or _next_number(base) != start:
                return
            base.executemany(f"insert or replace into parts values ({_VALUES})", rows)

    def forget(self, item: Item) -> None:
        """Remove the answers kept of an item, if any."""
        self._path(item).unlink(missing_ok=True)

    def _path(self, item: Item) -> Path:
        key = json.dumps([item.uri, self.digest])
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()}.sqlite"


def _next_number(base: sqlite3.Connection) -> int:
    """Return the number after that of the last region kept."""
    return int(base.execute("select coalesce(max(number) + 1, 0) from parts").fetchone()[0])


def _matches_content(item: Item, base: sqlite3.Connection) -> bool:
    """Whether the answers in a file belong to the item's present content."""
    (stamp,) = base.execute("select max(stamp) from content").fetchone()  # None after some kills
    return bool(stamp) and stamp == _stamp(item)


def _stamp(item: Item) -> str:
    return remote_stamp(item.uri) if "://" in item.uri else local_stamp(item)
