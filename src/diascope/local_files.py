"""Find files on this machine: in folders, by globs, one by one."""

import os
import stat
from collections.abc import Iterator
from glob import glob, has_magic
from itertools import takewhile
from pathlib import Path

from diascope.display_text import as_utf8
from diascope.errors import UsageError, reason_of
from diascope.fingerprints import file_stamp
from diascope.output import FINISHED_RUN
from diascope.sample import Failed, Found, Item, Skipped

_FolderKey = tuple[int, int] | Path


def absolute_path(path: Path) -> Path:
    """Return an absolute path without ``..``, so that a file has one path however it is named."""
    path = path.absolute()
    if ".." not in path.parts:
        return path
    start = len(path.parts) - path.parts[::-1].index("..")
    return _resolve(Path(*path.parts[:start])).joinpath(*path.parts[start:])


def found_file(path: Path, name: str) -> Found:
    """Return a file on this machine as found, or as a failed or skipped item if it is none.

    Args:
        name: the item's id.
    """
    try:
        str(path).encode()
        path = absolute_path(path)
        status = path.stat()
    except UnicodeEncodeError:
        return _failed_item(path, name, "the file's name is not UTF-8; rename it")
    except (OSError, ValueError) as error:  # ValueError: the name has a zero byte
        return _failed_item(path, name, f"it cannot be opened: {reason_of(error)}")
    item = _make_item(path, name)
    if stat.S_ISDIR(status.st_mode):
        return Found(item, "", Skipped(item, "a folder; a list names files"))
    if not stat.S_ISREG(status.st_mode):
        return Found(item, "", Skipped(item, "not a regular file"))
    return Found(item, file_stamp(path))


def walk_folder(folder: Path, prefix: str, exclude: Path | None) -> Iterator[Found]:
    """Yield the files of a folder and its subfolders; a folder reached by links is listed once.

    Args:
        prefix: of the items' ids.
        exclude: a folder that is not searched.
    """
    seen = set[_FolderKey]()
    open_folders = [_list_folder(folder, prefix, exclude, seen)]
    while open_folders:  # no recursion: a path may be deeper than Python's stack
        found = next(open_folders[-1], None)
        if found is None:
            open_folders.pop()
        elif isinstance(found, Found):
            yield found
        else:
            open_folders.append(_list_folder(*found, exclude, seen))


def _list_folder(
    folder: Path, prefix: str, exclude: Path | None, seen: set[_FolderKey]
) -> Iterator[Found | tuple[Path, str]]:
    """Yield the files of a folder, and the path and the id prefix of each of its subfolders."""
    try:
        key = _folder_key(folder)
        if key in seen or (exclude and folder.resolve() == exclude):
            return
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield _failed_item(folder, prefix or folder.name, f"cannot be listed: {error.strerror}")
        return
    seen.add(key)
    if len(seen) > 1 and {entry.name for entry in entries} >= FINISHED_RUN:
        yield _skipped_results(folder, prefix.rstrip("/"))
        return
    for entry in entries:
        path, name = Path(entry.path), f"{prefix}{entry.name}"
        if entry.name.startswith("."):
            item = _make_item(path, name)
            yield Found(item, "", Skipped(item, "hidden"))
        elif os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises for a link to itself
            yield path, f"{name}/"
        else:
            yield found_file(path, name)


def _folder_key(folder: Path) -> _FolderKey:
    """Return what is the same for a folder however it is reached."""
    status = folder.stat()
    if not status.st_ino:  # as on a network drive of Windows
        return folder.resolve()
    return status.st_dev, status.st_ino


def find_glob(pattern: Path, prefix: str, exclude: Path | None) -> Iterator[Found]:
    """Yield the files that match, sorted.

    Args:
        prefix: of the items' ids, with the pattern as typed.
        exclude: a folder whose files are left out, unless the pattern names it.

    Raises:
        UsageError: if no file matches.
    """
    matches = sorted(glob(str(pattern), recursive=True))
    files = [Path(match) for match in matches if not os.path.isdir(match)]  # noqa: PTH112 - as above
    if not files:
        raise UsageError(f"no file matches {str(pattern)!r}")
    root = Path(*takewhile(lambda part: not has_magic(part), pattern.parts))
    start = prefix.split("*")[0].split("?")[0].split("[")[0].rpartition("/")[0]
    if exclude is not None and _resolve(root).is_relative_to(exclude):
        exclude = None  # the user asks for files in it
    id_prefix = f"{start}/" if start else ""
    results_folders: dict[Path, Path | None] = {}
    skipped: set[Path] = set()
    for path in files:
        if exclude is not None and _resolve(path).is_relative_to(exclude):
            continue
        if path.parent not in results_folders:
            results_folders[path.parent] = _results_folder(path, root)
        results = results_folders[path.parent]
        if results is None:
            yield found_file(path, f"{id_prefix}{path.relative_to(root).as_posix()}")
        elif results not in skipped:
            skipped.add(results)
            yield _skipped_results(results, f"{id_prefix}{results.relative_to(root).as_posix()}")


def _results_folder(path: Path, root: Path) -> Path | None:
    """Return the outermost folder between root and file that holds a run's results, if any."""
    above = (root / inner for inner in reversed(path.relative_to(root).parents[:-1]))
    exists = os.path.exists  # Path.exists raises for a folder without permission
    return next((each for each in above if all(exists(each / name) for name in FINISHED_RUN)), None)


def _skipped_results(folder: Path, name: str) -> Found:
    item = _make_item(folder, name)
    return Found(item, "", Skipped(item, "a folder with a run's results; name it to read them"))


def _failed_item(path: Path, name: str, reason: str) -> Found:
    item = _make_item(path, name)
    return Found(item, "", Failed(item, "read", "", reason))


def _make_item(path: Path, name: str) -> Item:
    """Return the Item of a file; bytes of its name that are not UTF-8 are escaped."""
    return Item(as_utf8(name), as_utf8(str(path.absolute())))


def _resolve(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises for a link to itself
