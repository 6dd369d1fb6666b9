"""Standard streams that are closed, full, unread or in a narrow encoding must not stop the work."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, Literal


def open_closed_streams() -> None:
    """Open standard streams that were closed at the start, as by ``2>&-``, on the null device.

    Otherwise the next file that is opened gets the stream's descriptor, and everything that
    libraries print.
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
    """Let standard output escape characters that its encoding lacks, as standard error does.

    Otherwise a file name with a byte that is not UTF-8 raises a UnicodeEncodeError.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def ignore_write_errors(name: Literal["stdout", "stderr"]) -> None:
    """Let a stream drop what cannot be written instead of raising an OSError.

    A stream that replaces the process's own, as in a test, is left as it is. So is a console of
    Windows, to which Python writes characters instead of bytes.
    """
    stream = getattr(sys, name)
    if stream is not getattr(sys, f"__{name}__") or (os.name == "nt" and stream.isatty()):
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
    """Send what plugins and libraries print to stderr, to keep it out of the command's output."""
    with redirect_stdout(sys.stderr):
        yield


def redirect_to_null(number: int) -> None:
    """Redirect a file descriptor to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)


class _LenientFile(io.FileIO):
    """A file that drops everything once its disk is full or its reader is gone."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            redirect_to_null(self.fileno())
            return memoryview(data).nbytes
