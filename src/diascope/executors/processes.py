"""Prepare items in a worker process; if it dies, one item fails and a new process is started."""

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
from diascope.executors.channel import Channel, connected_sockets
from diascope.library_warnings import once_formatter
from diascope.sample import Failed, Item
from diascope.timing import StageTimer, add_worker_seconds, take_stage_seconds

_ONE_THREAD_VARIABLES = dict.fromkeys(
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
"""Environment variables that NumPy's and PyTorch's libraries, OpenCV and libvips read on import."""
_GRACE_SECONDS = 10.0
_START_ATTEMPTS = 3
_START_SECONDS = 300.0
"""After this time a starting process counts as hung; most start in a few seconds."""


class WorkerProcess:
    """A spawned process, started for its first item; its libraries use one thread each.

    Args:
        work: picklable; the process gets a copy.
        time_limit_s: if an item makes no progress for this many seconds, the process is killed;
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
        """Yield what the process makes of an item; a Failed if the process dies.

        Raises:
            DiascopeError: if no process can be started.
        """
        try:
            channel = self._send_item(item)
            while not isinstance(block := _receive(channel, self._limit), dict):
                yield block
            add_worker_seconds(block)
        except DiascopeError:
            raise
        except TimeoutError as error:
            self._kill()
            self._end_process()
            yield Failed(item, "read", "", f"{error}: it was given up (time_limit_s)")
        except (EOFError, OSError):
            cause = _describe_exit(self._end_process())
            yield Failed(item, "read", "", f"the worker process that read it {cause}")
        except Exception as error:  # such as a MemoryError for a large block
            self._end_process()
            yield Failed(item, "read", "", reason_of(error))

    def interrupt(self) -> None:
        """Kill the process, and start no other."""
        with self._lock:
            self._interrupted = True
        self._kill()

    def close(self) -> None:
        """End the process."""
        self._end_process()

    def _send_item(self, item: Item) -> Channel:
        """Send the item to the process, or to a new one if it has died; return the channel."""
        if self._channel is not None:
            try:
                self._channel.send(item)
            except OSError:
                self._end_process()
            else:
                return self._channel
        channel = self._start()
        channel.send(item)
        return channel

    def _start(self) -> Channel:
        for _ in range(_START_ATTEMPTS):  # a process may be killed while it starts
            ours, theirs = connected_sockets()
            self._channel = Channel(ours)
            try:
                with theirs:
                    self._spawn(theirs)
                problem = self._channel.receive(_START_SECONDS)
            except (EOFError, ConnectionError):
                problem = f"it {_describe_exit(self._end_process())}"
                continue
            except TimeoutError as error:
                self._kill()
                self._end_process()
                problem = f"{error} from it"
                continue
            except Exception as error:  # such as a plugin that cannot be pickled
                problem = f"{type(error).__name__}: {error}; plugins must be picklable for it"
            if not problem:
                return self._channel
            break
        self._end_process()
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
            with _block_ctrl_c():
                process.start()
            self._process = process

    def _kill(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def _end_process(self) -> int | None:
        """Close the channel, which ends the process, and clean up; return the exit code.

        The temporary files, such as a downloaded slide, are removed here for a killed process.
        """
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if (process := self._process) is not None:  # None if it could not be started
            process.join(_GRACE_SECONDS)
            with self._lock:
                self._process = None
                process.kill()
                process.join()
        shutil.rmtree(self._folder, ignore_errors=True)
        return None if process is None else process.exitcode


@contextmanager
def _block_ctrl_c() -> Iterator[None]:
    """Block Ctrl-C in processes started within, which would otherwise print a traceback each."""
    if not hasattr(signal, "pthread_sigmask"):  # as on Windows
        yield
        return
    resource_tracker.ensure_running()  # starting it later would unblock Ctrl-C
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _receive(channel: Channel, timeout_s: float | None) -> Any:
    with StageTimer("hand over"):
        return channel.receive(timeout_s)


def _prepare_items(end: socket.socket, pickled: bytes, folder: str) -> None:
    """Prepare items until the parent is gone; temporary files go to the folder."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    if hasattr(signal, "pthread_sigmask"):  # unblock it for programs that plugins start
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    _remove_folder_on_signal(folder)
    warnings.formatwarning = once_formatter()
    os.environ.update(_ONE_THREAD_VARIABLES)
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    with end, suppress(EOFError, ConnectionError):
        _serve(Channel(end), pickled)
    shutil.rmtree(folder, ignore_errors=True)


def _remove_folder_on_signal(folder: str) -> None:
    """Remove the folder also if a signal ends this process, as when the terminal is closed."""
    own = os.getpid()

    def clean_up(number: int, _: object) -> None:
        if os.getpid() == own:  # not in a process that a plugin forked
            shutil.rmtree(folder, ignore_errors=True)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores it
            signal.signal(number, clean_up)


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
            except Exception as error:  # a reader's metadata may not be picklable
                reason = f"what was read of it cannot leave its process: {reason_of(error)}"
                channel.send(Failed(item, "read", "", reason))
                break
        channel.send(take_stage_seconds())


def _describe_exit(code: int | None) -> str:
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
