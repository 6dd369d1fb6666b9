"""One machine: worker processes prepare, this process runs the network."""

import os
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import ClassVar

from diascope.contracts import Work
from diascope.executors.workers import Blocks, Workers, blocks_of
from diascope.sample import Item, Record


@dataclass(frozen=True)
class LocalExecutor:
    """Prepares in ``run.workers`` processes, ``read_ahead`` chunks before the network needs them.

    ``workers: auto`` takes half of the cores, and none for a run of one chunk, where starting
    processes would cost more than they save.
    """

    read_ahead: int = 2
    api: ClassVar = (1, 0)

    def __post_init__(self) -> None:
        if self.read_ahead < 1:
            raise ValueError(f"read_ahead must be at least 1, got {self.read_ahead}")

    def run(
        self, work: Work, chunks: Iterable[Sequence[Item]]
    ) -> Generator[Sequence[Record], None, None]:
        start = list(islice(chunks := iter(chunks), 2))
        automatic = max(1, _cores() // 2) if len(start) > 1 else 0
        count = automatic if work.workers == "auto" else work.workers
        every = chain(start, chunks)
        yield from self._parallel(work, every, count) if count else _serial(work, every)

    def _parallel(
        self, work: Work, chunks: Iterable[Sequence[Item]], count: int
    ) -> Generator[Sequence[Record], None, None]:
        workers = Workers(work, count)
        ahead: deque[list[tuple[Item, Blocks]]] = deque()
        try:
            for chunk in chunks:
                ahead.append([(item, workers.submit(item)) for item in chunk])
                if len(ahead) > self.read_ahead:
                    yield _finished(work, ahead.popleft())
            while ahead:
                yield _finished(work, ahead.popleft())
        finally:
            workers.stop()


def _finished(work: Work, submitted: Iterable[tuple[Item, Blocks]]) -> list[Record]:
    prepared = chain.from_iterable(blocks_of(item, blocks) for item, blocks in submitted)
    return list(work.finish(prepared))


def _serial(
    work: Work, chunks: Iterable[Sequence[Item]]
) -> Generator[Sequence[Record], None, None]:
    for chunk in chunks:
        prepared = ((item, block) for item in chunk for block in work.prepare(item))
        yield list(work.finish(prepared))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
