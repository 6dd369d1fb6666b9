"""Standard streams: one that is closed, full, read by nobody or short of a letter is no fault of
the work, and what is no part of an answer goes aside."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, Literal


def open_closed_streams() -> None:
    """Open on nothing what was closed at the start, such as by ``2>&-``.

    Else the next file that is opened takes the stream's number, and gets what a library prints.
    """
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_WRONLY)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, "w", closefd=False))


def escape_unencodable() -> None:
    """From now on, write out what standard output's encoding lacks, such as a byte of a file's name
    that is no UTF-8, as standard error does, instead of a UnicodeEncodeError.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def ignore_write_errors(name: Literal["stdout", "stderr"]) -> None:
    """From now on, give up what cannot be written to a stream, instead of an OSError.

    A stream that somebody has put in place of the process's own stays as it is.
    """
    stream = getattr(sys, name)
    if stream is not getattr(sys, f"__{name}__"):
        return
    stream.flush()
    lenient = io.TextIOWrapper(
        io.BufferedWriter(_LenientFile(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    setattr(sys, name, lenient)


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Send what is printed meanwhile, as by a plugin, to stderr: it is no part of an answer."""
    with redirect_stdout(sys.stderr):
        yield


def redirect_to_null(number: int) -> None:
    """Let what is still written to a file descriptor go nowhere."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)


class _LenientFile(io.FileIO):
    """A file whose disk may be full and whose reader may be gone."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            redirect_to_null(self.fileno())
            return memoryview(data).nbytes
