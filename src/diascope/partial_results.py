"""What is answered so far of an item that is read in regions: a killed run goes on within it."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from diascope.fingerprints import file_stamp
from diascope.records import COLUMNS, pack_record, unpack_record
from diascope.remote import remote_stamp
from diascope.sample import Item, Prediction

_VALUES = ", ".join("?" * (1 + len(COLUMNS)))


@dataclass(frozen=True)
class PartialResults:
    """A folder with one SQLite file for each item that is under way; picklable.

    Attributes:
        folder: where it is not there, nothing is kept: on a machine that does not share it.
        digest: of all that decides a prediction; other parts are not found.
    """

    folder: Path
    digest: str

    def count(self, item: Item) -> int:
        """Return how many of the item's regions are answered, from the first on.

        What was answered of another content is removed, and so is a file that a kill left without
        content, that lacks some regions before others, or is damaged: nothing is.
        """
        path = self._path(item)
        if not path.exists():
            return 0
        try:
            with closing(sqlite3.connect(path)) as base:
                (count,) = base.execute("select count(*) from parts").fetchone()
                if _is_of(item, base) and count == _next(base):
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
        """Keep the answers of the regions from the number ``start`` on: all of them or none.

        None of an item whose content changed since its first ones were kept, and none after some
        that could not be kept: there are no gaps.
        """
        if not self.folder.is_dir():
            return
        rows = (
            (start + index, *pack_record(prediction, lossless=True))
            for index, prediction in enumerate(predictions)
        )
        with closing(sqlite3.connect(self._path(item))) as base, base:
            base.execute("begin")  # tables, too, are made with all the rest or not at all
            columns = f"number integer primary key, {', '.join(COLUMNS)}"
            base.execute(f"create table if not exists parts ({columns})")
            base.execute("create table if not exists content (stamp text)")
            if start == 0:
                base.execute("delete from parts")
                base.execute("delete from content")
                base.execute("insert into content values (?)", (_stamp(item),))
            elif not _is_of(item, base) or _next(base) != start:
                return
            base.executemany(f"insert or replace into parts values ({_VALUES})", rows)

    def forget(self, item: Item) -> None:
        """Remove what was kept of an item, if anything was."""
        self._path(item).unlink(missing_ok=True)

    def _path(self, item: Item) -> Path:
        key = json.dumps([item.uri, self.digest])
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()}.sqlite"


def _next(base: sqlite3.Connection) -> int:
    """Return the number after that of the last region that is kept."""
    return int(base.execute("select coalesce(max(number) + 1, 0) from parts").fetchone()[0])


def _is_of(item: Item, base: sqlite3.Connection) -> bool:
    """Whether what a file keeps was answered of the content that the item has now."""
    (kept,) = base.execute("select max(stamp) from content").fetchone()  # None after some kills
    return bool(kept) and kept == _stamp(item)


def _stamp(item: Item) -> str:
    return remote_stamp(item.uri) if "://" in item.uri else file_stamp(Path(item.uri))
