"""Open files in archives with fsspec, so that several threads can read from one archive."""

import io
import re
from functools import lru_cache
from pathlib import PurePosixPath
from threading import RLock
from typing import Any

_ZIP, _GZIP, _BZIP2, _XZ = b"PK\3\4", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"
_TAR_BLOCK = 512
_COMPRESSIONS = {".tgz": "gzip", ".tbz": "bz2", ".tbz2": "bz2", ".txz": "xz"}
"""Compression of tar archives by suffix, for suffixes that fsspec does not know."""


def open_filesystem(uri: str) -> tuple[Any, str]:
    """Return the file system of a URI, and the path in it.

    Raises:
        Exception: whatever fsspec raises.
    """
    from fsspec.core import url_to_fs

    compression = (
        _COMPRESSIONS.get(PurePosixPath(uri).suffix.lower()) if uri.startswith("tar://") else None
    )
    options = {"tar": {"compression": compression}} if compression else {}
    system, path = url_to_fs(uri, **options)
    return system, path


def archive_hint(uri: str, head: bytes) -> str:
    """Return how to name the files in an archive; empty if the file is none.

    Args:
        head: the file's first bytes. Names decide only where these cannot: other files, such as
            .docx, are ZIP files too, and bzip2 unpacks only whole blocks.
    """
    name = uri.lower()
    example = ""
    if head.startswith(_ZIP):
        example = "zip://::FILE.zip" if name.endswith(".zip") else ""
    elif head.startswith(_BZIP2):
        example = "tar://::FILE.tar.bz2" if re.search(r"\.(tar\.bz2|tbz2?)$", name) else ""
    elif _is_tar_header(_unpack_start(head)):
        packed = {_GZIP: ".gz", _XZ: ".xz"}
        suffix = next((packed[magic] for magic in packed if head.startswith(magic)), "")
        example = f"tar://::FILE.tar{suffix}"
    return f"to read the files in an archive, name {example}" if example else ""


def _unpack_start(head: bytes) -> bytes:
    """Return the first block of what a gzip or xz file holds; of other files, their own."""
    import lzma
    import zlib

    try:
        if head.startswith(_GZIP):
            return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, _TAR_BLOCK)
        if head.startswith(_XZ):
            return lzma.LZMADecompressor().decompress(head, _TAR_BLOCK)
    except (zlib.error, lzma.LZMAError):
        return b""
    return head[:_TAR_BLOCK]


def _is_tar_header(block: bytes) -> bool:
    """Whether a block is the header of a file in a tar archive; it has a checksum of its own."""
    import tarfile

    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def open_member(archive: str, path: str) -> io.BufferedReader:
    """Return a seekable reader of a file in an archive.

    Args:
        archive: the URI of the archive without the path in it, such as ``tar://::/data/all.tar``.

    Raises:
        Exception: whatever fsspec raises if the archive or the file is gone or unreadable.
    """
    system, lock = _open_archive(archive)
    with lock:
        member = system.open(path, "rb")
    return io.BufferedReader(_Member(member, system, lock), 1)  # no read-ahead


@lru_cache(maxsize=4)
def _open_archive(uri: str) -> tuple[Any, Any]:
    """Return the file system of an archive, and a lock for its use by one thread at a time.

    The result is cached, because fsspec would read the table of contents again for every file.
    """
    # reentrant: the garbage collector may close one file while another is read
    return open_filesystem(uri)[0], RLock()


class _Member(io.RawIOBase):
    """A file of an archive; the archive stays open as long as any of its files.

    All files of a tar archive are read through one open file, whose position any thread may have
    moved. Seeking back in a compressed archive means unpacking it again from the start. Therefore
    ``seek`` only sets the position, and ``readinto`` moves to it: video readers seek to the start
    before each frame and forward from there.
    """

    name = ""  # pydicom asks for a name

    def __init__(self, member: Any, system: Any, lock: Any) -> None:
        self._member, self._lock = member, lock
        self._system = system  # fsspec closes the archive once nothing refers to it
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._lock:
            self._member.seek(self._position)
            count: int = self._member.readinto(buffer)
        self._position += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            with self._lock:
                self._position = self._member.seek(offset, whence)
        else:
            self._position = offset + (self._position if whence == io.SEEK_CUR else 0)
        return self._position

    def close(self) -> None:
        if not self.closed:
            with self._lock:
                self._member.close()
        super().close()
