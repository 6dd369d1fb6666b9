"""The output folder: one run at a time, and nothing half-written."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from diascope.display_text import mask_credentials
from diascope.errors import DiascopeError, OutputError

LEDGER_FILE = "ledger.sqlite"
_LOCK = ".lock"
_OWN = (LEDGER_FILE, "run.json", _LOCK)
RUN_FILES = frozenset({LEDGER_FILE, "run.json"})
"""What together tells the folder of a run that has written reports from every other folder."""


def check_local(folder: Path) -> None:
    """Raise an OutputError for an address, which would be taken for a folder ``s3:`` here."""
    scheme, *rest = folder.parts or ("",)
    if scheme.endswith(":") and len(scheme) > 2 and rest:  # "C:" is a drive
        raise OutputError(
            "results are written into a folder of this machine, not to an address",
            where=mask_credentials(f"{scheme}//{'/'.join(rest)}"),
            hint="The report `parquet: {to: s3://...}` copies the answers to an object store.",
        )


@contextmanager
def lock_folder(
    folder: Path, worked: Callable[[], bool] = lambda: True, *, lock_file: str = _LOCK
) -> Iterator[Path]:
    """Make the folder and hold its lock, which a killed run does not leave behind.

    Args:
        worked: whether there is anything to keep, asked when an error of ours ends it; if not, a
            ledger and folders that were not there before are removed again.
        lock_file: the lock's; another than a run's lets runs of the same command work there.

    Raises:
        OutputError: if it is an address, cannot be written, or another run holds it.
    """
    check_local(folder)
    try:
        ours = [name for name in (LEDGER_FILE, lock_file) if not (folder / name).exists()]
        made = [each for each in (folder, *folder.parents) if not each.exists()]
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
        if not worked():
            _withdraw(folder, ours, made)
        raise
    finally:
        lock.release()


def _withdraw(folder: Path, names: Sequence[str], made: Sequence[Path]) -> None:
    """Remove what was made in a folder, and the folders that were made for it if that was all."""
    with suppress(OSError):
        for name in names:
            (folder / name).unlink(missing_ok=True)
        for each in made:
            each.rmdir()


def target_paths(folder: Path, staging: Path, taken: Mapping[Path, str]) -> dict[Path, Path]:
    """Return the files of ``staging`` to the same places in ``folder``.

    Args:
        taken: files that another report of this run has put there, to its title.

    Raises:
        OutputError: if a file would replace one of these or of the run's own.
    """
    files = sorted(path for path in staging.rglob("*") if path.is_file())
    places = {path: folder / path.relative_to(staging) for path in files}
    for target in places.values():
        if target.parent == folder and target.name.startswith(_OWN):
            raise OutputError(f"the name {target.name} is taken by the run itself")
        if target in taken:
            raise OutputError(
                f"the name {target.relative_to(folder)} is taken by the {taken[target]}; leave one "
                "of the two out, or give it another name if it has a parameter for that"
            )
    return places


def move_files(places: Mapping[Path, Path]) -> None:
    """Move files to their places."""
    for path, target in places.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)


def write_atomically(path: Path, text: str) -> None:
    """Write a text file, whole or not at all; what is a link, a device or a pipe, as it comes."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        path.write_text(text, encoding="utf-8")
        return
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def write_table(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV, whole or not at all."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_atomically(path, text.getvalue())
