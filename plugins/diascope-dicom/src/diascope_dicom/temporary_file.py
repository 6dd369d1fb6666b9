"""A temporary file to be read more than once; it has no name and goes with its last reader."""

import io
import os
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import IO, Any


class SharedFileReader(io.RawIOBase):
    """A reader of an open file, from a place of its own; others may read the same file.

    Args:
        descriptor: of the file; it may be closed afterwards.
    """

    name = ""  # it has none, but pydicom asks for it

    def __init__(self, descriptor: int) -> None:
        self._descriptor = os.dup(descriptor)
        self._place = 0

    @classmethod
    def from_writer(cls, write: Callable[[IO[bytes]], object]) -> "SharedFileReader":
        """Return a reader of what is from_writer here."""
        with TemporaryFile() as file:
            write(file)
            file.flush()
            return cls(file.fileno())

    def reopen(self) -> io.BufferedReader:
        """Return another reader, from the start."""
        return io.BufferedReader(SharedFileReader(self._descriptor))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = os.preadv(self._descriptor, [buffer], self._place)
        self._place += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        size = os.fstat(self._descriptor).st_size
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: size}[whence]
        return self._place

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()
