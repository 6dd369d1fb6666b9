"""The local executor: the same answers with and without worker processes, whatever dies."""

import multiprocessing
import queue
import threading
import time
from collections.abc import Callable, Iterator
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
from tests.runs import PATIENCE_S, write_pictures, write_recipe

Make = Callable[..., Pipeline]


@pytest.fixture
def make(tmp_path: Path, tiny_weights: Path, odd_plugins: Path) -> Make:
    """Return a function that composes a pipeline with a reader and a number of workers."""

    def make(read: Any, workers: int, **changes: Any) -> Pipeline:
        run = {"workers": workers, "batch": 4, "device": "cpu"}
        changes = {"read": read, "run": run} | changes
        return compose(read_recipe(str(write_recipe(tmp_path / "r.yaml", tiny_weights, **changes))))

    return make


@pytest.fixture
def chunks(tmp_path: Path) -> list[list[Item]]:
    """Ten pictures in chunks of four."""
    paths = sorted(write_pictures(tmp_path / "photos", 10).iterdir())
    items = [Item(path.name, str(path)) for path in paths]
    return [items[start : start + 4] for start in (0, 4, 8)]


def records(pipeline: Pipeline, chunks: list[list[Item]]) -> list[Record]:
    return [record for chunk in LocalExecutor().run(pipeline, iter(chunks)) for record in chunk]


def test_two_workers_give_the_same_records_as_none(make: Make, chunks: list[list[Item]]) -> None:
    alone, together = records(make("image", 0), chunks), records(make("image", 2), chunks)
    for one, other in zip(alone, together, strict=True):
        assert isinstance(one, Prediction)
        assert isinstance(other, Prediction)
        assert (one.item, one.scores, one.trace) == (other.item, other.scores, other.trace)
        np.testing.assert_array_equal(one.preview, other.preview)
        np.testing.assert_array_equal(one.evidence[0].map, other.evidence[0].map)


def test_records_come_in_the_order_of_the_items(make: Make, chunks: list[list[Item]]) -> None:
    got = [record.item for record in records(make("image", 2), chunks)]
    assert got == [item for chunk in chunks for item in chunk]


def test_a_worker_that_dies_costs_the_one_item_that_it_had(
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


def test_a_film_of_500_frames_is_one_prediction(make: Make, tmp_path: Path) -> None:
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


def test_frames_are_made_no_faster_than_they_are_used(make: Make, tmp_path: Path) -> None:
    log = tmp_path / "log"
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


def test_workers_auto_needs_no_process_for_one_chunk(make: Make, chunks: list[list[Item]]) -> None:
    run = {"workers": "auto", "batch": 4, "device": "cpu"}
    stream = LocalExecutor().run(make("image", 0, run=run), iter(chunks[:1]))
    assert len(next(stream)) == 4
    assert not multiprocessing.active_children()
    stream.close()


def test_read_ahead_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="read_ahead must be at least 1, got 0"):
        LocalExecutor(read_ahead=0)
