"""The local executor: the same answers with and without workers, also when processes die."""

import multiprocessing
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diascope.contracts import Prepared
from diascope.errors import DiascopeError, PluginError
from diascope.executors.local import LocalExecutor
from diascope.pipeline import Pipeline, compose
from diascope.recipe import read_recipe
from diascope.sample import Failed, Item, Prediction, Record, Skipped
from diascope.timing import take_stage_seconds
from tests.refusals import refused
from tests.runs import PATIENCE_S, REFERENCE, write_pictures, write_recipe

Make = Callable[..., Pipeline]


@pytest.fixture
def make(tmp_path: Path, tiny_weights: Path, odd_plugins: Path) -> Make:
    """Return a function that composes a pipeline with a reader and a number of workers."""

    def make(read: Any, workers: int, **changes: Any) -> Pipeline:
        run = {"workers": workers, "batch": 4, "device": "cpu"} | REFERENCE
        changes = {"read": read, "run": run} | changes
        return compose(read_recipe(str(write_recipe(tmp_path / "r.yaml", tiny_weights, **changes))))

    return make


@pytest.fixture
def chunks(tmp_path: Path) -> list[list[Item]]:
    """Ten pictures in chunks of four."""
    paths = sorted(write_pictures(tmp_path / "photos", 10).iterdir())
    items = [Item(path.name, str(path)) for path in paths]
    return [items[start : start + 4] for start in (0, 4, 8)]


def records(pipeline: Pipeline, chunks: list[list[Item]], **options: Any) -> list[Record]:
    ends = LocalExecutor(**options).run(pipeline, iter(chunks))
    return [record for chunk in ends for record in chunk]


@pytest.mark.parametrize("kind", ["processes", "threads"])
def test_two_workers_give_the_same_records_as_no_workers(
    make: Make, chunks: list[list[Item]], kind: str
) -> None:
    alone = records(make("image", 0), chunks)
    together = records(make("image", 2), chunks, kind=kind)
    for one, other in zip(alone, together, strict=True):
        assert isinstance(one, Prediction)
        assert isinstance(other, Prediction)
        assert (one.item, one.scores, one.trace) == (other.item, other.scores, other.trace)
        np.testing.assert_array_equal(one.preview, other.preview)
        np.testing.assert_array_equal(one.evidence[0].map, other.evidence[0].map)


def test_records_come_in_the_order_of_the_items(make: Make, chunks: list[list[Item]]) -> None:
    got = [record.item for record in records(make("image", 2), chunks)]
    assert got == [item for chunk in chunks for item in chunk]


def test_a_worker_that_dies_loses_only_its_current_item(
    make: Make, chunks: list[list[Item]]
) -> None:
    bad = Item("fatal.png", chunks[1][1].uri)
    chunks[1][1] = bad
    got = records(make("fatal", 2), chunks)
    lost = [record for record in got if not isinstance(record, Prediction)]
    assert [record.item for record in lost] == [bad]
    assert len(got) == 10


def test_the_reason_of_a_lost_item_names_the_signal(make: Make, chunks: list[list[Item]]) -> None:
    (lost,) = records(make("fatal", 1), [[Item("fatal.png", chunks[0][0].uri)]])
    assert isinstance(lost, Failed)
    assert "SIGKILL" in lost.reason
    assert "memory" in lost.reason


@pytest.mark.parametrize(
    ("name", "value", "least"),
    [("time_limit_s", -1.0, 0), ("time_limit_s", float("nan"), 0), ("read_ahead", 0, 1)],
)
def test_a_number_that_is_too_small_is_refused(name: str, value: float, least: int) -> None:
    message = refused(LocalExecutor, {name: value})

    assert message.startswith(f"{name} must be a ")
    assert message.endswith(f"number of at least {least}, got {value}")


def test_a_film_of_500_frames_is_one_prediction(make: Make, tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    pipeline = make({"stream": {"log": str(tmp_path / "log")}}, 1)
    film = write_pictures(tmp_path / "film", 1) / "00.png"
    (record,) = records(pipeline, [[Item("film", str(film))]])
    assert isinstance(record, Prediction)
    assert record.samples == 500


class Unhurried:
    """A Work that takes one block of frames, and then waits to see how many more are made."""

    def __init__(self, pipeline: Pipeline, log: Path) -> None:
        self.pipeline, self.log, self.made = pipeline, log, 0
        self.batch, self.workers = pipeline.batch, pipeline.workers
        self.prepare = pipeline.prepare

    def __reduce__(self) -> Any:  # a worker process needs only the pipeline
        return replace, (self.pipeline,)

    def finish(self, prepared: Iterator[tuple[Item, Prepared]]) -> Iterator[Record]:
        next(prepared)
        before = -1
        while before < self.made:
            before = self.made
            time.sleep(0.7)
            self.made = self.log.stat().st_size
        yield from ()


def test_frames_are_read_no_faster_than_they_are_used(make: Make, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    pipeline = make({"stream": {"log": str(log)}}, 1, preprocess=[])
    film = write_pictures(tmp_path / "film", 1) / "00.png"
    work = Unhurried(pipeline, log)
    stream = LocalExecutor().run(work, iter([[Item("film", str(film))]]))
    next(stream)
    stream.close()
    assert 4 <= work.made < 60


def test_closing_the_stream_ends_the_processes(make: Make, chunks: list[list[Item]]) -> None:
    stream = LocalExecutor(read_ahead=1).run(make("image", 2), iter(chunks))
    next(stream)
    during = multiprocessing.active_children()
    stream.close()
    assert during
    assert not multiprocessing.active_children()


def test_a_plugin_that_cannot_be_pickled_is_a_clear_error(
    make: Make, chunks: list[list[Item]]
) -> None:
    pipeline, told = make("closed", 1), queue.SimpleQueue[DiascopeError]()

    def run() -> None:
        try:
            records(pipeline, chunks)
        except DiascopeError as error:
            told.put(error)

    threading.Thread(target=run, daemon=True).start()  # so that a hang fails, and is not waited for
    error = told.get(timeout=PATIENCE_S / 6)
    assert "a worker process could not start" in error.message
    assert "--workers 0" in error.hint


def test_workers_auto_starts_no_process_for_one_chunk(make: Make, chunks: list[list[Item]]) -> None:
    run = {"workers": "auto", "batch": 4, "device": "cpu"}
    stream = LocalExecutor().run(make("image", 0, run=run), iter(chunks[:1]))
    assert len(next(stream)) == 4
    assert not multiprocessing.active_children()
    stream.close()


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


def test_the_time_of_worker_processes_is_reported(make: Make, chunks: list[list[Item]]) -> None:
    take_stage_seconds()
    records(make("image", 2), chunks)
    spent = take_stage_seconds()
    assert {"read", "preprocess", "hand over", "wait", "model", "answer"} <= spent.keys()
    assert spent["read"].worker_cpu == spent["read"].cpu > 0
    assert spent["model"].worker_cpu == 0


class Exits(Slowly):
    """A Work whose plugin wants to end the process."""

    def prepare(self, item: Item) -> Iterator[Prepared]:
        sys.exit("enough")


def test_a_plugin_that_would_exit_in_a_thread_ends_the_run_with_an_error() -> None:
    with pytest.raises(PluginError, match="a reader or step raised SystemExit: enough"):
        list(LocalExecutor(kind="threads").run(Exits(2), numbered(3)))
