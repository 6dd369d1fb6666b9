"""Files in archives, by fsspec: several threads may read those of one archive side by side."""

import io
from functools import lru_cache
from pathlib import PurePosixPath
from threading import RLock
from typing import Any

_SHORT = {".tgz": "gzip", ".tbz": "bz2", ".tbz2": "bz2", ".txz": "xz"}
"""What a tar archive is compressed with by a name that fsspec does not know; .tar.gz it does."""


def open_filesystem(uri: str) -> tuple[Any, str]:
    """Return the file system that a URI names, and the path in it.

    Raises:
        Exception: whatever fsspec raises.
    """
    from fsspec.core import url_to_fs

    packed = _SHORT.get(PurePosixPath(uri).suffix.lower()) if uri.startswith("tar://") else None
    system, path = url_to_fs(uri, tar={"compression": packed}) if packed else url_to_fs(uri)
    return system, path


def open_member(archive: str, path: str) -> io.BufferedReader:
    """Open a file of an archive for reading, seekable, from the start.

    Args:
        archive: its URI without the path in it, such as ``tar://::/data/all.tar``.

    Raises:
        Exception: whatever fsspec raises, if one of them is gone or unreadable.
    """
    system, lock = _archive(archive)
    with lock:
        member = system.open(path, "rb")
    return io.BufferedReader(_Member(member, system, lock), 1)  # reads no further than is asked for


@lru_cache(maxsize=4)
def _archive(uri: str) -> tuple[Any, Any]:
    """Return the file system of an archive, and what lets one thread at a time use it.

    It is remembered, as fsspec would read the table of contents again for every file.
    """
    return open_filesystem(uri)[
        0
    ], RLock()  # the collector may close one file while another is read


class _Member(io.RawIOBase):
    """A file of an archive, which stays open as long as any file of it.

    Of a tar archive all files are read through one that is open, from wherever a thread left it.
    To go back in what is compressed is to unpack it from its start, so it is done only to read:
    readers of films go to the start before each frame, and on from there.
    """

    name = ""  # it has none, but pydicom asks for it

    def __init__(self, member: Any, system: Any, lock: Any) -> None:
        self._member, self._lock = member, lock
        self._system = system  # fsspec closes the archive once nothing refers to it
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._lock:
            self._member.seek(self._place)
            count: int = self._member.readinto(buffer)
        self._place += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            with self._lock:
                self._place = self._member.seek(offset, whence)
        else:
            self._place = offset + (self._place if whence == io.SEEK_CUR else 0)
        return self._place

    def close(self) -> None:
        if not self.closed:
            with self._lock:
                self._member.close()
        super().close()
