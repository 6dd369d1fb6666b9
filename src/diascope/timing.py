"""Measure where the time of a run goes: seconds by stage, summed up in each process.

This is always on; a stage costs about five microseconds. The time of a stage within another counts
for the inner one only, so that no time counts twice. A worker process returns its sums with each
item.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Seconds(NamedTuple):
    """The seconds that a stage took.

    Attributes:
        wall: wall-clock seconds including waiting, summed over threads and processes.
        cpu: core-seconds of the threads that entered the stage.
        worker_cpu: the part of ``cpu`` spent in worker processes.
    """

    wall: float = 0.0
    cpu: float = 0.0
    worker_cpu: float = 0.0


StageSeconds = dict[str, Seconds]
"""The seconds of each stage, by its name."""


class _Thread(threading.local):
    """The nested stages that a thread is in, and the clocks when their time was last counted."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.wall = self.cpu = 0.0


_thread = _Thread()
_lock = threading.Lock()
_spent: StageSeconds = {}


class StageTimer:
    """A context manager that counts the time within it for a stage."""

    def __init__(self, stage: str) -> None:
        self._stage = stage

    def __enter__(self) -> None:
        _count()
        _thread.stages.append(self._stage)

    def __exit__(self, *_: object) -> None:
        _count()
        _thread.stages.pop()


def time_each(stage: str, values: Iterable[T]) -> Iterator[T]:
    """Yield the values, and count the time that producing each takes for a stage."""
    source = iter(values)
    while True:
        with StageTimer(stage):
            try:
                value = next(source)
            except StopIteration:
                return
        yield value


def add_worker_seconds(spent: Mapping[str, Seconds]) -> None:
    """Add the seconds that a worker process spent."""
    with _lock:
        for stage, (wall, cpu, _) in spent.items():
            _add(stage, Seconds(wall, cpu, cpu))


def take_stage_seconds() -> StageSeconds:
    """Return the seconds counted in this process since the last call, and reset them."""
    with _lock:
        taken = _spent.copy()
        _spent.clear()
    return taken


def _count() -> None:
    """Add the time since the last call to the innermost stage that the thread is in."""
    wall, cpu = time.perf_counter(), time.thread_time()
    if _thread.stages:
        with _lock:
            _add(_thread.stages[-1], Seconds(wall - _thread.wall, cpu - _thread.cpu))
    _thread.wall, _thread.cpu = wall, cpu


def _add(stage: str, more: Seconds) -> None:
    known = _spent.get(stage, Seconds())
    _spent[stage] = Seconds(*(one + other for one, other in zip(known, more, strict=True)))
