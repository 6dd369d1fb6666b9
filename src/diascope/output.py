"""The output folder: one run at a time, and nothing half-written."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from diascope.errors import OutputError


@contextmanager
def held(folder: Path) -> Iterator[Path]:
    """Make the folder and hold its lock, which a killed run does not leave behind.

    Raises:
        OutputError: if it cannot be written, or another run holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise OutputError("another run is writing here", where=str(folder)) from error
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", where=str(folder)) from error
    try:
        yield folder.resolve()
    finally:
        lock.release()


def put_in_place(path: Path, staging: Path, folder: Path) -> Path:
    """Move a finished file, or folder, from ``staging`` to the same place in ``folder``."""
    target = folder / path.relative_to(staging)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        shutil.rmtree(target)
    return path.replace(target)


def write_whole(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
