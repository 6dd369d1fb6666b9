"""Files that lie in an archive, for several threads at a time."""

import io
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from threading import Lock
from typing import Any, BinaryIO, cast


def open_within(archive: str, name: str) -> BinaryIO:
    """Open a file of an archive for reading, seekable, from the start.

    Args:
        archive: its address, such as ``tar://::photos.tar``.
    """
    system, alone = _archive(archive)
    with alone:
        file = system.open(name, "rb")
    return cast(BinaryIO, _Within(name, file, system, alone))


@lru_cache(maxsize=4)
def _archive(address: str) -> tuple[Any, AbstractContextManager[Any]]:
    """Return the file system of an archive, and what to hold while one of its files is read.

    It is remembered, for fsspec would read its table of contents again for every file. All files of
    a tar archive are read at one place that moves; only those of zip mind each other.
    """
    from fsspec.core import url_to_fs

    system, _ = url_to_fs(address)
    return system, nullcontext() if address.startswith("zip://") else Lock()


class _Within(io.BufferedIOBase):
    """A file of an archive; as long as it is there, the archive is not closed."""

    def __init__(
        self, name: str, file: Any, system: Any, alone: AbstractContextManager[Any]
    ) -> None:
        self.name = name
        self._file, self._system, self._alone = file, system, alone

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        with self._alone:
            return bytes(self._file.read(-1 if size is None else size))

    read1 = read

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        with self._alone:
            return int(self._file.seek(offset, whence))

    def close(self) -> None:
        self._file.close()
        super().close()
