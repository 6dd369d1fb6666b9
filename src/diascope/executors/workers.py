"""Worker processes that prepare items, each watched by a thread: one that dies costs one item."""

import multiprocessing
import queue
import signal
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from diascope.contracts import Prepared, Work
from diascope.errors import DiascopeError, reason_of
from diascope.sample import Failed, Item

_BLOCKS_AHEAD = 4
_POLL_SECONDS = 0.2
Blocks = queue.Queue[Any]


class Workers:
    """Spawned processes; blocks of samples come back in order, and no faster than they are used.

    Args:
        work: picklable; each process gets a copy.
        count: how many processes.
    """

    def __init__(self, work: Work, count: int) -> None:
        self._work = work
        self._context = multiprocessing.get_context("spawn")
        self._tasks: queue.SimpleQueue[tuple[Item, Blocks] | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def submit(self, item: Item) -> Blocks:
        """Have an item prepared; read the result with ``blocks``."""
        blocks: Blocks = queue.Queue(maxsize=_BLOCKS_AHEAD)
        self._tasks.put((item, blocks))
        return blocks

    def stop(self) -> None:
        """End the processes, at once if they are at work."""
        self._stopped.set()
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        """Give items to one process, and start another when it dies."""
        process: BaseProcess | None = None
        while (task := self._tasks.get()) is not None and not self._stopped.is_set():
            item, blocks = task
            if process is None or not process.is_alive():
                process, connection, broken = self._start()
                if broken:
                    process = None
                    self._put(blocks, broken)
                    continue
            try:
                connection.send(item)
                while (block := self._received(connection)) is not None:
                    self._put(blocks, block)
            except (EOFError, OSError):
                process.join()
                self._put(blocks, Failed(item, "read", "", _cause(process.exitcode)))
                process = None
            except Exception as error:  # such as a block that does not fit into memory
                process.terminate()
                process.join()
                self._put(blocks, Failed(item, "read", "", reason_of(error)))
                process = None
            self._put(blocks, None)
        if process is not None:
            process.terminate()
            process.join()

    def _start(self) -> tuple[BaseProcess, Connection, DiascopeError | None]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_prepare_items, args=(theirs, self._work))
        try:
            process.start()
            theirs.close()
            self._received(ours)
        except Exception as error:  # such as a plugin that cannot be pickled or imported there
            if process.pid is not None:
                process.join()
            reason = f"a worker process could not start: {type(error).__name__}: {error}"
            return process, ours, DiascopeError(reason, hint="--workers 0 needs none.")
        return process, ours, None

    def _received(self, connection: Connection) -> Any:
        while not connection.poll(_POLL_SECONDS):
            if self._stopped.is_set():
                return None
        return connection.recv()

    def _put(self, blocks: Blocks, block: Any) -> None:
        while not self._stopped.is_set():
            try:
                blocks.put(block, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return


def blocks_of(item: Item, blocks: Blocks) -> Iterator[tuple[Item, Prepared]]:
    """Yield what became of a submitted item, waiting for it.

    Raises:
        DiascopeError: if no worker process can be started.
    """
    while (block := blocks.get()) is not None:
        if isinstance(block, DiascopeError):
            raise block
        yield item, block


def _prepare_items(connection: Connection, work: Work) -> None:
    """What a worker process does, until its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle
    connection.send("ready")
    while True:
        try:
            item = connection.recv()
        except EOFError:
            return
        for prepared in work.prepare(item):
            connection.send(prepared)
        connection.send(None)


def _cause(code: int | None) -> str:
    if code is None or code >= 0:
        return f"the worker process that read it ended with exit code {code}"
    name = signal.Signals(-code).name
    known = {
        "SIGKILL": "most likely because memory ran out",
        "SIGSEGV": "a crash in the decoder",
        "SIGABRT": "a crash in the decoder",
        "SIGBUS": "the file changed or its disk failed while it was read",
    }
    return (
        f"the worker process that read it was killed by {name}: {known.get(name, 'from outside')}"
    )
