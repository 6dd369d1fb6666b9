"""One machine: workers prepare, one thread runs the network, the caller writes down the answers."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from threading import Event
from typing import ClassVar, Literal

from diascope.contracts import Prepared, Work
from diascope.cores import available_cores
from diascope.executors.processes import WorkerProcess
from diascope.executors.threads import WorkerThread
from diascope.executors.workers import Preparer, Workers
from diascope.sample import Item, Record
from diascope.timing import StageTimer

_Chunk = Iterator[tuple[Item, Prepared]]


@dataclass(frozen=True)
class LocalExecutor:
    """Prepares with ``run.workers`` workers while the network is at work.

    ``workers: auto`` takes all cores, and none for a run of one chunk, where starting processes
    would cost more than they save.

    Args:
        read_ahead: chunks that are prepared before the network needs them, and that it may be
            ahead of the ledger.
        kind: ``processes`` cost some seconds and 60 MB each to start and copy the pixels once,
            but a decoder that crashes or runs out of memory costs one item, and decoders that
            hold Python's lock run side by side. ``threads`` start at once and copy nothing, but a
            crash ends the run (the same command goes on after it); readers and steps must be safe
            to call from several threads at once.
        time_limit_s: seconds without anything new of an item after which its worker process is
            killed and the item has failed; 0 for no limit. Threads, and a run without workers,
            cannot be stopped so.
    """

    read_ahead: int = 2
    kind: Literal["processes", "threads"] = "processes"
    time_limit_s: float = 1800.0
    api: ClassVar = (1, 0)

    def __post_init__(self) -> None:
        if self.read_ahead < 1:
            raise ValueError(f"read_ahead must be at least 1, got {self.read_ahead}")
        if not self.time_limit_s >= 0:
            raise ValueError(f"time_limit_s must be at least 0, got {self.time_limit_s}")

    def run(
        self, work: Work, chunks: Iterable[Sequence[Item]]
    ) -> Generator[Sequence[Record], None, None]:
        start = list(islice(chunks := iter(chunks), 2))
        automatic = available_cores() if len(start) > 1 else 0
        count = automatic if work.workers == "auto" else work.workers
        every = chain(start, chunks)
        yield from self._parallel(work, every, count) if count else self._serial(work, every)

    def _parallel(
        self, work: Work, chunks: Iterable[Sequence[Item]], count: int
    ) -> Generator[Sequence[Record], None, None]:
        limit = self.time_limit_s or None

        def preparer() -> Preparer:
            return WorkerThread(work) if self.kind == "threads" else WorkerProcess(work, limit)

        workers = Workers(preparer, count)

        def prepared(chunk: Sequence[Item]) -> _Chunk:
            submitted = [(item, workers.submit(item)) for item in chunk]
            return chain.from_iterable(workers.blocks(*each) for each in submitted)

        yield from self._answered(work, map(prepared, chunks), workers.stop)

    def _serial(
        self, work: Work, chunks: Iterable[Sequence[Item]]
    ) -> Generator[Sequence[Record], None, None]:
        stopped = Event()

        def prepared(chunk: Sequence[Item]) -> _Chunk:
            for item in chunk:
                for block in work.prepare(item):
                    if stopped.is_set():
                        return
                    yield item, block

        yield from self._answered(work, map(prepared, chunks), stopped.set)

    def _answered(
        self, work: Work, chunks: Iterator[_Chunk], stop: Callable[[], None]
    ) -> Generator[Sequence[Record], None, None]:
        """Yield the records of each chunk, while a thread is ahead with the next ones.

        The chunks are made in the caller's thread. ``stop`` ends those that are not yet through.
        """
        answers: deque[Future[list[Record]]] = deque()
        network = ThreadPoolExecutor(1, "network")
        try:
            for prepared in chunks:
                answers.append(network.submit(_finished, work, prepared))
                if len(answers) > self.read_ahead:
                    yield answers.popleft().result()
            while answers:
                yield answers.popleft().result()
        finally:
            stop()
            network.shutdown(cancel_futures=True)


def _finished(work: Work, prepared: _Chunk) -> list[Record]:
    with StageTimer("answer"):
        return list(work.finish(prepared))
