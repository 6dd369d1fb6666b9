"""A nameless temporary file with several readers, which is deleted with the last of them."""

import io
import os
from collections.abc import Callable
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Any

_MOVING = Lock()
"""The descriptors of all readers of a file share one position."""


class SharedFileReader(io.RawIOBase):
    """Reads an open file at its own position, independently of other readers of the file.

    Args:
        descriptor: file descriptor, which is duplicated and may be closed afterwards.
    """

    name = ""  # pydicom needs this attribute

    def __init__(self, descriptor: int) -> None:
        self._descriptor = os.dup(descriptor)
        self._position = 0

    @classmethod
    def from_writer(cls, write: Callable[[IO[bytes]], object]) -> "SharedFileReader":
        """Return a reader of a new temporary file that ``write`` fills."""
        with TemporaryFile() as file:
            write(file)
            file.flush()
            return cls(file.fileno())

    def reopen(self) -> io.BufferedReader:
        """Return another reader of the file, positioned at its start."""
        return io.BufferedReader(SharedFileReader(self._descriptor))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if hasattr(os, "preadv"):
            count = os.preadv(self._descriptor, [buffer], self._position)
        else:  # as on Windows
            with _MOVING:
                os.lseek(self._descriptor, self._position, os.SEEK_SET)
                content = os.read(self._descriptor, len(buffer))
            count = len(content)
            buffer[:count] = content
        self._position += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        size = os.fstat(self._descriptor).st_size
        origins = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: size}
        self._position = offset + origins[whence]
        return self._position

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()
