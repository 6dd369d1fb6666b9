"""Seconds by stage, summed up in each process."""

import threading
import time
from collections.abc import Iterator

import pytest

from diascope.timing import Seconds, Spent, add_away, measured, measured_each, take_spent


@pytest.fixture(autouse=True)
def _anew() -> None:
    take_spent()


def busy(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_a_stage_takes_what_happens_within_it() -> None:
    with measured("a"):
        time.sleep(0.03)
        busy(0.02)
    (spent,) = take_spent().values()
    assert spent.wall >= 0.05
    assert 0.02 <= spent.cpu < spent.wall
    assert spent.away == 0


def test_a_stage_within_another_counts_for_itself_alone() -> None:
    with measured("outer"):
        busy(0.01)
        with measured("inner"):
            busy(0.05)
    spent = take_spent()
    assert spent["inner"].cpu >= 0.05
    assert 0.01 <= spent["outer"].cpu < 0.05


def test_making_the_values_of_a_stream_counts_and_using_them_does_not() -> None:
    def made() -> Iterator[int]:
        for number in range(3):
            busy(0.01)
            yield number

    for _ in measured_each("make", made()):
        busy(0.05)
    assert 0.03 <= take_spent()["make"].cpu < 0.1


def test_an_exception_ends_the_stage() -> None:
    with pytest.raises(KeyError), measured("a"):
        raise KeyError
    busy(0.02)
    with measured("b"):
        pass
    assert take_spent()["a"].cpu < 0.02


def test_threads_add_to_the_same_sums() -> None:
    def work() -> None:
        with measured("a"):
            busy(0.01)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert take_spent()["a"].cpu >= 0.03


def test_what_another_process_spent_is_known_as_such() -> None:
    add_away({"a": Seconds(2.0, 1.0)})
    add_away({"a": Seconds(2.0, 1.0)})
    assert take_spent() == {"a": Seconds(4.0, 2.0, 2.0)}


def test_what_was_taken_is_counted_no_more() -> None:
    with measured("a"):
        pass
    assert take_spent().keys() == {"a"}
    expected: Spent = {}
    assert take_spent() == expected
