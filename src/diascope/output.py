"""The output folder: locked by one run at a time, its files written completely or not at all."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from diascope.display_text import mask_credentials
from diascope.errors import DiascopeError, OutputError

LEDGER_FILE = "ledger.sqlite"
RUN_FILE = "run.json"
_LOCK_FILE = ".lock"
_RESERVED = (LEDGER_FILE, RUN_FILE, _LOCK_FILE)
FINISHED_RUN = frozenset({LEDGER_FILE, RUN_FILE})
"""A folder that holds both is the output folder of a run that has written its reports."""


def check_local(folder: Path) -> None:
    """Check that a folder is no address, which would create a folder named ``s3:`` here.

    Raises:
        OutputError: if it is one.
    """
    scheme, *rest = folder.parts or ("",)
    if scheme.endswith(":") and len(scheme) > 2 and rest:  # "C:" is a drive
        raise OutputError(
            "results are written into a folder on this machine, not to an address",
            where=mask_credentials(f"{scheme}//{'/'.join(rest)}"),
            hint="The report `parquet: {to: s3://...}` copies the answers to an object store.",
        )


@contextmanager
def lock_folder(
    folder: Path, has_results: Callable[[], bool] = lambda: True, *, lock_file: str = _LOCK_FILE
) -> Iterator[Path]:
    """Create a folder if needed, and hold its lock; yield its resolved path.

    The lock is released even if the run is killed.

    Args:
        has_results: called when a DiascopeError ends the run. If it returns False, the ledger and
            the folders that did not exist before are removed again.
        lock_file: name of the lock file. A name other than the default lets runs that are part of
            the same command use the folder.

    Raises:
        OutputError: if the folder is an address, cannot be written, or is locked by another run.
    """
    check_local(folder)
    try:
        new_files = [name for name in (LEDGER_FILE, lock_file) if not (folder / name).exists()]
        new_folders = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / lock_file, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise OutputError("another run is writing here", where=str(folder)) from error
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", where=str(folder)) from error
    try:
        yield folder.resolve()
    except DiascopeError:
        if not has_results():
            _remove_files(folder, new_files)
            lock.release()  # on Windows, this removes the lock file, which is open until then
            _remove_empty(new_folders)
        raise
    finally:
        lock.release()


def _remove_files(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        with suppress(OSError):
            (folder / name).unlink()


def _remove_empty(folders: Iterable[Path]) -> None:
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def target_paths(folder: Path, staging: Path, taken: Mapping[Path, str]) -> dict[Path, Path]:
    """Return a dict from each file of ``staging`` to the same relative path in ``folder``.

    Args:
        taken: a dict from the files that other reports of this run have written to the title of
            the report.

    Raises:
        OutputError: if a file would replace one of these or a file of the run itself.
    """
    files = sorted(path for path in staging.rglob("*") if path.is_file())
    targets = {path: folder / path.relative_to(staging) for path in files}
    for target in targets.values():
        if target.parent == folder and target.name.startswith(_RESERVED):
            raise OutputError(f"the name {target.name} is taken by the run itself")
        if target in taken:
            raise OutputError(
                f"the name {target.relative_to(folder)} is taken by the {taken[target]}; leave one "
                "of the two out, or give it another name if it has a parameter for that"
            )
    return targets


def move_files(targets: Mapping[Path, Path]) -> None:
    """Move each file to its target, and create the target's folder if needed."""
    for path, target in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)


def write_atomically(path: Path, text: str) -> None:
    """Write a text file completely or not at all; links, devices and pipes are written directly."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        path.write_text(text, encoding="utf-8", newline="\n")
        return
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(path)


def write_table(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file completely or not at all."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_atomically(path, text.getvalue())
