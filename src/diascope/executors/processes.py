"""A worker process that prepares items: when it dies, one item is lost and another is started."""

import multiprocessing
import os
import pickle
import shutil
import signal
import socket
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from typing import Any

from diascope.contracts import Prepared, Work
from diascope.errors import DiascopeError, reason_of
from diascope.executors.channel import Channel
from diascope.library_warnings import once_formatter
from diascope.sample import Failed, Item
from diascope.timing import StageTimer, add_worker_seconds, take_stage_seconds

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
_START_SECONDS = 300.0
"""After which a process that starts is taken for hung; most take a few."""


class WorkerProcess:
    """A spawned process, started with its first item; its libraries run one thread each.

    Args:
        work: picklable; the process gets a copy.
        time_limit_s: seconds without anything new of an item after which the process is killed;
            None for no limit.
    """

    def __init__(self, work: Work, time_limit_s: float | None = None) -> None:
        self._work, self._limit = work, time_limit_s
        self._process: BaseProcess | None = None
        self._channel: Channel | None = None
        self._lock = threading.Lock()
        self._interrupted = False
        self._folder = ""

    def prepare(self, item: Item) -> Iterator[Prepared]:
        """Yield what the process makes of an item; if it dies, the item's end says so.

        Raises:
            DiascopeError: if no process can be started.
        """
        try:
            channel = self._given(item)
            while not isinstance(block := _received(channel, self._limit), dict):
                yield block
            add_worker_seconds(block)
        except DiascopeError:
            raise
        except TimeoutError as error:
            self._kill()
            self._ended()
            yield Failed(item, "read", "", f"{error}: it was given up (time_limit_s)")
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
        self._kill()

    def close(self) -> None:
        """End the process."""
        self._ended()

    def _given(self, item: Item) -> Channel:
        """Give the item to the process, or to a new one if it died since its last."""
        if self._channel is not None:
            try:
                self._channel.send(item)
            except OSError:
                self._ended()
            else:
                return self._channel
        channel = self._started()
        channel.send(item)
        return channel

    def _started(self) -> Channel:
        for _ in range(_TRIES):  # one that is killed while it starts is no reason to stop
            ours, theirs = socket.socketpair()
            self._channel = Channel(ours)
            try:
                with theirs:
                    self._spawn(theirs)
                problem = self._channel.receive(_START_SECONDS)
            except (EOFError, ConnectionError):
                problem = f"it {_cause(self._ended())}"
                continue
            except TimeoutError as error:
                self._kill()
                self._ended()
                problem = f"{error} from it"
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
        pickled = pickle.dumps(self._work)
        with self._lock:
            if self._interrupted:
                raise InterruptedError("the run has ended")
            self._folder = tempfile.mkdtemp(prefix="diascope-")
            process = context.Process(target=_prepare_items, args=(end, pickled, self._folder))
            with _ctrl_c_kept_off():
                process.start()
            self._process = process

    def _kill(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def _ended(self) -> int | None:
        """Wind up a process, which ends without its channel; return its exit code.

        One that was killed leaves its temporary files, such as a slide that it had fetched.
        """
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if (process := self._process) is not None:  # else it could not be started
            process.join(_GRACE_SECONDS)
            with self._lock:
                self._process = None
                process.kill()
                process.join()
        shutil.rmtree(self._folder, ignore_errors=True)
        return None if process is None else process.exitcode


@contextmanager
def _ctrl_c_kept_off() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: until they ignore it, it would end them with a
    traceback each."""
    if not hasattr(signal, "pthread_sigmask"):  # as on Windows
        yield
        return
    resource_tracker.ensure_running()  # its own start would let Ctrl-C through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _received(channel: Channel, within_s: float | None) -> Any:
    with StageTimer("hand over"):
        return channel.receive(within_s)


def _prepare_items(end: socket.socket, pickled: bytes, folder: str) -> None:
    """What a worker process does, until its parent is gone; temporary files go to the folder."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle
    if hasattr(signal, "pthread_sigmask"):  # it was kept off; programs of plugins may want it
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    _leave_nothing(folder)
    warnings.formatwarning = once_formatter()
    os.environ.update(_ONE_THREAD)
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    with suppress(EOFError, ConnectionError):
        _serve(Channel(end), pickled)
    shutil.rmtree(folder, ignore_errors=True)


def _leave_nothing(folder: str) -> None:
    """Remove the folder also if a signal ends this process, as a closed terminal does to all."""
    own = os.getpid()

    def ended(number: int, _: object) -> None:
        if os.getpid() == own:  # and no process that a plugin forked and ends
            shutil.rmtree(folder, ignore_errors=True)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    for name in ("SIGTERM", "SIGHUP"):  # Windows has but one of them
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores it
            signal.signal(number, ended)


def _serve(channel: Channel, pickled: bytes) -> None:
    try:
        work: Work = pickle.loads(pickled)
    except Exception as error:  # such as a plugin that cannot be imported here
        channel.send(f"{type(error).__name__}: {error}")
        return
    channel.send(None)
    while True:
        item = channel.receive()
        for prepared in work.prepare(item):
            try:
                with StageTimer("hand over"):
                    channel.send(prepared)
            except OSError:
                raise
            except Exception as error:  # what a reader says of a picture may not be picklable
                told = f"what was read of it cannot leave its process: {reason_of(error)}"
                channel.send(Failed(item, "read", "", told))
                break
        channel.send(take_stage_seconds())


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
