"""Seconds by stage, summed up in each process."""

import threading
import time
from collections.abc import Iterator

import pytest

from diascope.timing import (
    Seconds,
    StageSeconds,
    StageTimer,
    add_worker_seconds,
    take_stage_seconds,
    time_each,
)


@pytest.fixture(autouse=True)
def _anew() -> None:
    take_stage_seconds()


def busy(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_a_stage_counts_the_time_within_it() -> None:
    with StageTimer("a"):
        time.sleep(0.03)
        busy(0.02)
    (spent,) = take_stage_seconds().values()
    assert spent.wall >= 0.05
    assert 0.02 <= spent.cpu < spent.wall
    assert spent.worker_cpu == 0


def test_the_time_of_a_nested_stage_counts_for_it_only() -> None:
    with StageTimer("outer"):
        busy(0.01)
        with StageTimer("inner"):
            busy(0.05)
    spent = take_stage_seconds()
    assert spent["inner"].cpu >= 0.05
    assert 0.01 <= spent["outer"].cpu < 0.05


def test_producing_the_values_of_a_stream_counts_and_using_them_does_not() -> None:
    def made() -> Iterator[int]:
        for number in range(3):
            busy(0.01)
            yield number

    for _ in time_each("make", made()):
        busy(0.05)
    assert 0.03 <= take_stage_seconds()["make"].cpu < 0.1


def test_an_exception_ends_the_stage() -> None:
    with pytest.raises(KeyError), StageTimer("a"):
        raise KeyError
    busy(0.02)
    with StageTimer("b"):
        pass
    assert take_stage_seconds()["a"].cpu < 0.02


def test_threads_add_to_the_same_sums() -> None:
    def work() -> None:
        with StageTimer("a"):
            busy(0.01)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert take_stage_seconds()["a"].cpu >= 0.03


def test_time_of_a_worker_process_is_counted_separately() -> None:
    add_worker_seconds({"a": Seconds(2.0, 1.0)})
    add_worker_seconds({"a": Seconds(2.0, 1.0)})
    assert take_stage_seconds() == {"a": Seconds(4.0, 2.0, 2.0)}


def test_taking_the_seconds_resets_them() -> None:
    with StageTimer("a"):
        pass
    assert take_stage_seconds().keys() == {"a"}
    expected: StageSeconds = {}
    assert take_stage_seconds() == expected
