"""A ledger with any history holds what a new one would, and repeats no finished work."""

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from random import Random

import numpy as np
import pytest

from diascope import fingerprints, ledger, ledger_file
from diascope.errors import UsageError
from diascope.fingerprints import content_digest
from diascope.inputs import find_items
from diascope.ledger import Ledger
from diascope.sample import Failed, Found, Item, Prediction, Record, Skipped


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep ledgers from waiting for the disk."""
    carry = ledger.open_ledger

    def opened(path: Path) -> object:
        (base := carry(path)).execute("pragma synchronous = off")
        return base

    monkeypatch.setattr(ledger, "open_ledger", opened)


def change(random: Random, path: Path, other: Path) -> None:
    """Change a file at random: its content, its kind, or its place."""
    kind = random.choice(["write", "write", "write", "move", "gone", "nowhere", "loop", "pipe"])
    if kind == "move" and path.is_file():
        path.replace(other)
        return
    path.unlink(missing_ok=True)
    if kind == "write":  # of other sizes, so that stamps differ
        path.write_text(random.choice(["x", "yy", "bad", "none"]))
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind in ("nowhere", "loop"):
        path.symlink_to(path if kind == "loop" else "nowhere")


def found(random: Random, photos: Path, names: list[str]) -> Iterator[Found]:
    """Name the files by their folder, or by lists with other names, some of them twice."""
    listed, beside = photos.parent / "list.txt", photos / ".list.txt"
    some = random.choices(names, k=5)
    listed.write_text("\n".join(random.choice(["", "photos/"]) + name for name in some))
    beside.write_text("\n".join(some))
    folder, file = str(photos), str(photos / names[0])
    ways = [([folder], []), ([file, folder], []), ([], [listed]), ([], [beside])]
    inputs, lists = random.choice(ways[:1] + ways[2:] if not Path(file).exists() else ways)
    return find_items(inputs, lists)


def end_of(item: Item, digest: str) -> Record:
    content = Path(item.uri).read_text()
    if content in ("bad", "none"):
        return Failed(item, "read", "", "bad") if content == "bad" else Skipped(item, content)
    return Prediction(item, {"x": float(len(digest)), "y": float(len(content))}, "logit", ())


def work(books: Ledger, chunks: int | None) -> list[tuple[Item, object, object]]:
    """Answer a number of pending chunks; return what the ledger then holds of the ended items."""
    for items in islice(books.pending_chunks(2), chunks):
        books.record([(end_of(item, books.digest), content_digest(item)) for item in items])
    records = list(books.records())
    return [(r.item, getattr(r, "scores", None), getattr(r, "reason", None)) for r in records]


@pytest.mark.parametrize("seed", range(24))
def test_a_ledger_with_a_history_holds_the_same_records_as_a_new_one(
    tmp_path: Path, seed: int
) -> None:
    random, photos, names = Random(seed), tmp_path / "photos", list("abcd")
    photos.mkdir()
    settled: object = None
    for round_ in range(9):
        for _ in range(random.randrange(4)):
            change(random, *(photos / name for name in random.sample(names, 2)))
        entries = list(found(random, photos, names))
        digest, limit = random.choice(["this", "this", "other"]), random.choice([None, None, 2])
        retry, chunks = random.random() < 0.2, random.choice([None, None, 0, 1])
        with (
            closing(Ledger(tmp_path / "old.sqlite", digest)) as old,
            closing(Ledger(tmp_path / f"{round_}.sqlite", digest)) as new,
        ):
            new.add_items(entries, retry=False, limit=limit)
            expected = work(new, None)
            with suppress(UsageError):  # none is within reach
                old.add_items(entries, retry=retry, limit=limit)
                records = work(old, chunks)
                assert records == [each for each in expected if each in records]
                assert len({item.uri for item, *_ in expected}) == len(expected)  # each once
                assert len(records) + old.counts()["pending"] == len(expected)
                assert old.changed or records == settled
                if len(records) == len(expected):
                    old.mark_reported()
                    settled = records
                    old.add_items(entries, retry=False, limit=limit)
                    assert (old.changed, list(old.pending_chunks(9))) == (False, [])


def test_a_file_that_is_processed_again_anyway_is_not_digested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, read = tmp_path / "photos", list[str]()
    photos.mkdir()
    (photos / "a").write_text("x")

    def counted(item: Item) -> str:
        read.append(item.id)
        return content_digest(item)

    monkeypatch.setattr(fingerprints, "content_digest", counted)
    for number, digest in enumerate(("this", "other", "other")):
        os.utime(photos / "a", (number, number))  # as a copy on another machine may have it
        with closing(Ledger(tmp_path / "ledger.sqlite", digest)) as books:
            books.add_items(find_items([str(photos)]), retry=False)
            work(books, None)
        assert read == (["a"] if number == 2 else [])


def kept_pages(path: Path, entries: list[Found]) -> tuple[int, list[str]]:
    """Add items; return the size of SQLite's journal afterwards, and the pending items."""
    with closing(Ledger(path, "this")) as books:
        books.add_items(entries, retry=False)
        journal = path.with_name(f"{path.name}-wal").stat().st_size
        return journal, [item.id for chunk in books.pending_chunks(9) for item in chunk]


def test_items_in_the_same_order_as_last_time_are_not_written_again(tmp_path: Path) -> None:
    path, many = tmp_path / "ledger.sqlite", 60
    entries = [Found(Item(f"{n:02}", str(tmp_path / f"{n:02}")), "stamp") for n in range(many)]
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    with closing(Ledger(path, "this")) as books:
        books.add_items(entries[:-1], retry=False)
        for chunk in islice(books.pending_chunks(9), 6):
            made = [Prediction(item, {"x": 1.0}, "logit", (), preview=picture) for item in chunk]
            books.record([(each, "") for each in made])
    whole, waiting = path.stat().st_size, ["54", "55", "56", "57", "58"]

    same, waiting_same = kept_pages(path, entries[:-1])
    longer, waiting_longer = kept_pages(path, entries)
    other, waiting_other = kept_pages(path, entries[1:])

    assert max(same, longer) < whole / 4 < whole / 2 < other
    assert (waiting_same, waiting_longer) == (waiting, [*waiting, "59"])
    assert waiting_other == [*waiting, "59"]


def test_the_journal_is_truncated_after_it_held_many_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_file, "_JOURNAL_BYTES", 100_000)
    path = tmp_path / "ledger.sqlite"
    entries = [Found(Item(f"{n:05}", f"{tmp_path}/{n:05}"), "stamp") for n in range(20_000)]
    with closing(Ledger(path, "this")) as books:
        books.add_items(entries, retry=False)
        before = path.with_name(f"{path.name}-wal").stat().st_size
        books.mark_reported()
        assert path.with_name(f"{path.name}-wal").stat().st_size <= 104_000 < before
