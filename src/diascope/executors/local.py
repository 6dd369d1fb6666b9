"""Run on one machine: workers prepare items while one thread runs the network."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import chain, islice
from threading import Event
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from diascope.contracts import Prepared, Work
from diascope.cores import available_cores
from diascope.executors.processes import WorkerProcess
from diascope.executors.threads import WorkerThread
from diascope.executors.workers import Preparer, Workers
from diascope.sample import Item, Record
from diascope.timing import StageTimer

_Chunk = Iterator[tuple[Item, Prepared]]

_SLICE_S = 0.2


@dataclass(frozen=True)
class LocalExecutor:
    """Prepares items with ``run.workers`` workers while the network runs.

    ``workers: auto`` is one per core, and none for a run of one chunk, where starting processes
    would take longer than they save.

    Args:
        read_ahead: how many chunks are prepared before the network needs them, and how many the
            network may be ahead of the ledger.
        kind: ``processes`` or ``threads``. A process takes some seconds and 60 MB to start, and the
            pixels are copied once; but a decoder that crashes or runs out of memory costs one item
            only, and decoders that hold Python's lock run in parallel. Threads start at once and
            copy nothing; but a crash ends the run (the same command resumes after it), and readers
            and steps must be thread-safe.
        time_limit_s: if an item makes no progress for this many seconds, its worker process is
            killed and the item fails; 0 for no limit. Threads, and runs without workers, cannot be
            stopped in this way.
    """

    read_ahead: Annotated[int, Ge(1)] = 2
    kind: Literal["processes", "threads"] = "processes"
    time_limit_s: Annotated[float, Ge(0)] = 1800.0
    api: ClassVar = (1, 0)

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

        def make_preparer() -> Preparer:
            return WorkerThread(work) if self.kind == "threads" else WorkerProcess(work, limit)

        workers = Workers(make_preparer, count)

        def prepare_chunk(chunk: Sequence[Item]) -> _Chunk:
            submitted = [(item, workers.submit(item)) for item in chunk]
            return chain.from_iterable(workers.blocks(*each) for each in submitted)

        yield from self._run_network(work, map(prepare_chunk, chunks), workers.stop)

    def _serial(
        self, work: Work, chunks: Iterable[Sequence[Item]]
    ) -> Generator[Sequence[Record], None, None]:
        stopped = Event()

        def prepare_chunk(chunk: Sequence[Item]) -> _Chunk:
            for item in chunk:
                for block in work.prepare(item):
                    if stopped.is_set():
                        return
                    yield item, block

        yield from self._run_network(work, map(prepare_chunk, chunks), stopped.set)

    def _run_network(
        self, work: Work, chunks: Iterator[_Chunk], stop: Callable[[], None]
    ) -> Generator[Sequence[Record], None, None]:
        """Yield the records of each chunk, while a thread runs the network on the next ones.

        The chunks are submitted in the caller's thread. ``stop`` ends those that are unfinished.
        """
        answers: deque[Future[list[Record]]] = deque()
        network = ThreadPoolExecutor(1, "network")
        try:
            for prepared in chunks:
                answers.append(network.submit(_finish, work, prepared))
                if len(answers) > self.read_ahead:
                    yield _result(answers.popleft())
            while answers:
                yield _result(answers.popleft())
        finally:
            stop()
            network.shutdown(cancel_futures=True)


def _result(answer: Future[list[Record]]) -> list[Record]:
    """Wait for an answer in slices: on Windows Ctrl-C takes effect only between them."""
    while not wait([answer], _SLICE_S).done:
        pass
    return answer.result()


def _finish(work: Work, prepared: _Chunk) -> list[Record]:
    with StageTimer("answer"):
        return list(work.finish(prepared))
