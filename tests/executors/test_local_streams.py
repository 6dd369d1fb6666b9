"""The stream of records of the local executor: how far it is ahead, and how it ends."""

import multiprocessing
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from diascope.contracts import Prepared
from diascope.errors import DiascopeError, PluginError
from diascope.executors.local import LocalExecutor
from diascope.sample import Failed, Item, Record, Skipped
from tests.executors.test_local import Make
from tests.executors.test_local import chunks as chunks
from tests.executors.test_local import make as make
from tests.runs import PATIENCE_S, write_pictures


def test_closing_the_stream_ends_the_processes(make: Make, chunks: list[list[Item]]) -> None:
    stream = LocalExecutor(read_ahead=1).run(make("image", 2), iter(chunks))
    next(stream)
    during = multiprocessing.active_children()
    stream.close()
    assert during
    assert not multiprocessing.active_children()


class Slowly:
    """A Work without network that logs which chunks it has finished, and may fail."""

    batch = 1

    def __init__(self, workers: int = 0, fails_at: int = -1) -> None:
        self.workers, self.fails_at = workers, fails_at
        self.finished: list[str] = []
        self.threads: set[int] = set()

    def prepare(self, item: Item) -> Iterator[Prepared]:
        yield Skipped(item, "nothing to see")

    def finish(self, prepared: Iterator[tuple[Item, Prepared]]) -> Iterator[Record]:
        self.threads.add(threading.get_ident())
        for item, block in prepared:
            if len(self.finished) == self.fails_at:
                raise DiascopeError("the network is on fire")
            self.finished.append(item.id)
            assert isinstance(block, Skipped | Failed)
            yield block


def numbered(count: int) -> Iterator[list[Item]]:
    return ([Item(str(number), str(number))] for number in range(count))


class Dwells(Slowly):
    """A Work that hangs in one item."""

    def prepare(self, item: Item) -> Iterator[Prepared]:
        if item.id == "3":
            time.sleep(3600)
        yield from super().prepare(item)


def test_an_item_that_hangs_fails_and_the_others_are_processed() -> None:
    stream = LocalExecutor(time_limit_s=1).run(Dwells(2), numbered(8))
    got = [record for ended in stream for record in ended]
    assert [record.item.id for record in got] == list("01234567")
    assert [record.item.id for record in got if isinstance(record, Failed)] == ["3"]


@pytest.mark.parametrize("workers", [0, 2])
def test_the_network_is_ahead_of_the_caller_by_a_bounded_number_of_chunks(workers: int) -> None:
    work = Slowly(workers)
    stream = LocalExecutor(read_ahead=2, kind="threads").run(work, numbered(20))
    next(stream)
    deadline = time.monotonic() + PATIENCE_S / 6
    while len(work.finished) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)  # it could do more
    ahead = list(work.finished)
    stream.close()
    assert ahead == ["0", "1", "2"]


def test_one_thread_runs_the_network_chunk_after_chunk_and_it_is_not_the_callers() -> None:
    work = Slowly(2)
    list(LocalExecutor(kind="threads").run(work, numbered(30)))
    assert work.finished == [str(number) for number in range(30)]
    assert len(work.threads) == 1
    assert threading.get_ident() not in work.threads


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_the_network_reaches_the_caller_after_the_chunks_before_it(
    workers: int,
) -> None:
    stream = LocalExecutor(kind="threads").run(Slowly(workers, fails_at=5), numbered(30))
    got = [record.item.id for _ in range(5) for record in next(stream)]
    with pytest.raises(DiascopeError, match="on fire"):
        next(stream)
    assert got == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("kind", ["processes", "threads"])
@pytest.mark.parametrize("workers", [0, 2])
def test_closing_the_stream_leaves_no_thread_behind(
    make: Make, chunks: list[list[Item]], workers: int, kind: Any
) -> None:
    before = set(threading.enumerate())
    stream = LocalExecutor(read_ahead=1, kind=kind).run(make("image", workers), iter(chunks))
    next(stream)
    stream.close()
    assert set(threading.enumerate()) <= before


def test_closing_the_stream_ends_a_film_in_the_middle(make: Make, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    pipeline = make({"stream": {"log": str(log)}}, 0, preprocess=["dawdle"])
    film = write_pictures(tmp_path / "film", 1) / "00.png"
    still = write_pictures(tmp_path / "still", 1) / "00.png"
    chunks = [[Item("still", str(still))], [Item("film", str(film))]]
    pipeline = replace(pipeline, preparation=replace(pipeline.preparation, block=1))
    stream = LocalExecutor().run(pipeline, iter(chunks))
    next(stream)
    stream.close()
    assert log.stat().st_size < 1000


def test_threads_start_no_process(make: Make, chunks: list[list[Item]]) -> None:
    stream = LocalExecutor(kind="threads").run(make("image", 2), iter(chunks))
    next(stream)
    assert not multiprocessing.active_children()
    stream.close()


class Exits(Slowly):
    """A Work whose plugin wants to end the process."""

    def prepare(self, item: Item) -> Iterator[Prepared]:
        sys.exit("enough")


def test_a_plugin_that_would_exit_in_a_thread_ends_the_run_with_an_error() -> None:
    with pytest.raises(PluginError, match="a reader or step raised SystemExit: enough"):
        list(LocalExecutor(kind="threads").run(Exits(2), numbered(3)))
