"""The local executor: the same answers with and without workers, also when processes die."""

import multiprocessing
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diascope.contracts import Prepared
from diascope.errors import DiascopeError
from diascope.executors.local import LocalExecutor
from diascope.pipeline import Pipeline, compose
from diascope.recipe import read_recipe
from diascope.sample import Failed, Item, Prediction, Record
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


def test_no_wait_for_an_answer_is_long_so_that_ctrl_c_takes_effect_on_windows(
    make: Make, chunks: list[list[Item]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def result(answer: Future[Any], timeout: float | None = None) -> Any:
        assert answer.done()
        return original(answer, timeout)

    original = Future.result
    monkeypatch.setattr(Future, "result", result)
    assert len(records(make("image", 0), chunks)) == 10


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


def test_the_time_of_worker_processes_is_reported(make: Make, chunks: list[list[Item]]) -> None:
    take_stage_seconds()
    records(make("image", 2), chunks)
    spent = take_stage_seconds()
    assert {"read", "preprocess", "hand over", "wait", "model", "answer"} <= spent.keys()
    assert spent["read"].worker_cpu == spent["read"].cpu > 0
    assert spent["model"].worker_cpu == 0
