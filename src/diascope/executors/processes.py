"""A worker process that prepares items: when it dies, one item is lost and another is started."""

import multiprocessing
import os
import pickle
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.process import BaseProcess
from typing import Any

from diascope.contracts import Prepared, Work
from diascope.errors import DiascopeError, reason_of
from diascope.executors.channel import Channel
from diascope.sample import Failed, Item
from diascope.timing import add_away, measured, take_spent

_ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "OPENCV_FOR_THREADS_NUM",
        "VIPS_CONCURRENCY",
    ),
    "1",
)
"""Read by NumPy's and PyTorch's libraries, OpenCV and libvips when they are loaded."""
_GRACE_SECONDS = 10.0
_TRIES = 3


class WorkerProcess:
    """A spawned process, started with its first item; its libraries run one thread each.

    Args:
        work: picklable; the process gets a copy.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._process: BaseProcess | None = None
        self._channel: Channel | None = None
        self._lock = threading.Lock()
        self._interrupted = False

    def prepare(self, item: Item) -> Iterator[Prepared]:
        """Yield what the process makes of an item; if it dies, the item's end says so.

        Raises:
            DiascopeError: if no process can be started.
        """
        channel = self._channel or self._started()
        try:
            channel.send(item)
            while not isinstance(block := _received(channel), dict):
                yield block
            add_away(block)
        except (EOFError, OSError):
            cause = _cause(self._ended())
            yield Failed(item, "read", "", f"the worker process that read it {cause}")
        except Exception as error:  # such as a block that does not fit into memory
            self._ended()
            yield Failed(item, "read", "", reason_of(error))

    def interrupt(self) -> None:
        """Kill the process, whatever it does; no other is started."""
        with self._lock:
            self._interrupted = True
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """End the process."""
        self._ended()

    def _started(self) -> Channel:
        for _ in range(_TRIES):  # one that is killed while it starts is no reason to stop
            ours, theirs = socket.socketpair()
            self._channel = Channel(ours)
            try:
                with theirs:
                    self._spawn(theirs)
                problem = self._channel.receive()
            except (EOFError, ConnectionError):
                problem = f"it {_cause(self._ended())}"
                continue
            except Exception as error:  # such as a plugin that cannot be pickled
                problem = f"{type(error).__name__}: {error}"
            if not problem:
                return self._channel
            break
        self._ended()
        reason = f"a worker process could not start: {problem}"
        raise DiascopeError(reason, hint="--workers 0 needs none.")

    def _spawn(self, end: socket.socket) -> None:
        context = multiprocessing.get_context("spawn")
        arguments = end, pickle.dumps(self._work)
        process = context.Process(target=_prepare_items, args=arguments)
        with self._lock:
            if self._interrupted:
                raise InterruptedError("the run has ended")
            process.start()
            self._process = process

    def _ended(self) -> int | None:
        """Wind up a process, which ends without its channel; return its exit code."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if (process := self._process) is None:
            return None
        process.join(_GRACE_SECONDS)
        with self._lock:
            self._process = None
            process.kill()
            process.join()
        return process.exitcode


def _received(channel: Channel) -> Any:
    with measured("hand over"):
        return channel.receive()


def _prepare_items(end: socket.socket, pickled: bytes) -> None:
    """What a worker process does, until its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle
    os.environ.update(_ONE_THREAD)
    channel = Channel(end)
    with suppress(EOFError, ConnectionError):
        try:
            work: Work = pickle.loads(pickled)
        except Exception as error:  # such as a plugin that cannot be imported here
            channel.send(f"{type(error).__name__}: {error}")
            return
        channel.send(None)
        while True:
            item = channel.receive()
            for prepared in work.prepare(item):
                with measured("hand over"):
                    channel.send(prepared)
            channel.send(take_spent())


def _cause(code: int | None) -> str:
    if code is None or code >= 0:
        return f"ended with exit code {code}"
    name = signal.Signals(-code).name
    known = {
        "SIGKILL": "most likely because memory ran out",
        "SIGSEGV": "a crash in the decoder",
        "SIGABRT": "a crash in the decoder",
        "SIGBUS": "the file changed or its disk failed while it was read",
    }
    return f"was killed by {name}: {known.get(name, 'from outside')}"
