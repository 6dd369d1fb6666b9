"""Find the items of a run: files, folders, globs, lists and URIs.

An item's id is its path relative to the input that the user named. If there are several inputs, the
id begins with the name of the input; if two inputs have the same name, with the path as typed.
"""

import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from glob import glob, has_magic, iglob
from importlib.util import find_spec
from itertools import islice, takewhile
from pathlib import Path, PurePosixPath

from diascope.display_text import as_utf8, mask_credentials
from diascope.errors import AddressError, UsageError, reason_of
from diascope.fingerprints import file_stamp
from diascope.output import RUN_FILES
from diascope.path_lists import listed_paths
from diascope.remote import find_remote
from diascope.sample import Failed, Found, Item, Skipped

_PACKAGE = "package://"
_STORES = ("s3://", "s3a://", "gs://", "gcs://", "abfs://", "az://")
_PARALLEL_LOOKUPS = 16
"""How many addresses of a list are looked up at a time; most of it is waiting for the store."""


def find_items(
    named: Sequence[str],
    lists: Sequence[Path] = (),
    *,
    base: Path | None = None,
    exclude: Path | str | None = None,
) -> Iterator[Found]:
    """Yield the items found, those of a folder sorted by name.

    A folder with a run's results inside a named folder is skipped.

    Args:
        named: files, folders, globs and URIs, as typed; ``package://NAME/PATH`` is a file in an
            installed Python package.
        lists: text files with one path a line, or CSV files with a column ``path``.
        base: folder in which relative paths are looked up first, before the current folder.
        exclude: a folder that is not searched, such as the output folder.

    Raises:
        UsageError: if an input does not exist, or its file system is not installed or cannot be
            reached.
    """
    prefixes, output = _prefixes(named), Path(exclude).resolve() if exclude else None
    for name, prefix in zip(named, prefixes, strict=True):
        if name.startswith(_PACKAGE):
            yield from _find_local(_package_path(name), prefix, None, output)
        elif "://" in name:
            yield from find_remote(_with_absolute_archive(name, base), prefix)
        else:
            yield from _find_local(name, prefix, base, output)
    for path in lists:
        yield from _find_listed(path)


def absolute_path(path: Path) -> Path:
    """Return an absolute path without ``..``, so that a file has one path however it is named."""
    path = path.absolute()
    if ".." not in path.parts:
        return path
    start = len(path.parts) - path.parts[::-1].index("..")
    return _resolve(Path(*path.parts[:start])).joinpath(*path.parts[start:])


def _prefixes(named: Sequence[str]) -> list[str]:
    """Return the prefix of the ids of each input; an empty one if there is only one input."""
    if len(named) < 2:
        return [""] * len(named)
    paths = map(PurePosixPath, map(mask_credentials, named))
    short = [path.name or str(path).strip("/") for path in paths]  # "." has no name
    counts = Counter(short)
    return [
        f"{mask_credentials(name).strip('/') if counts[last] > 1 else last}/"
        for name, last in zip(named, short, strict=True)
    ]


def _find_local(name: str, prefix: str, base: Path | None, exclude: Path | None) -> Iterator[Found]:
    if not name:  # it would mean the current folder
        raise UsageError("an input has an empty name", hint="Was a variable of the shell not set?")
    try:
        path = Path(name).expanduser()
        if base is not None and not path.is_absolute() and _has_match(base / path):
            path = base / path
        is_folder, exists = path.is_dir(), path.exists()
    except (OSError, ValueError, RuntimeError) as error:  # such as a folder without permission
        raise UsageError(f"{name!r} cannot be accessed: {reason_of(error)}") from error
    if is_folder and exclude is not None and path.resolve() == exclude:
        raise UsageError(f"{name!r} is also the output folder", hint="Choose another --output.")
    if is_folder:
        yield from _walk_folder(absolute_path(path), prefix, exclude)
    elif exists:
        yield found_file(path, prefix.rstrip("/") or path.name)
    elif has_magic(name):
        yield from _find_glob(path, prefix, exclude)
    else:
        folders = dict.fromkeys([*([base] if base else []), Path.cwd()])
        looked = f" (looked in {' and '.join(map(str, folders))})"
        raise UsageError(f"there is no {name!r}{'' if path.is_absolute() else looked}")


def _package_path(name: str) -> str:
    """Return the path of a file or folder in an installed Python package."""
    package, _, inside = name.removeprefix(_PACKAGE).partition("/")
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(f"{name}: there is no installed Python package {package!r}")
    return str(Path(spec.submodule_search_locations[0]) / inside)


def _with_absolute_archive(address: str, base: Path | None) -> str:
    """Return an address in which the path of an archive on this machine is absolute.

    So the archive has one path however it is named, also on machines of a cluster that have
    another current folder.
    """
    inner, _, archive = address.rpartition("::")
    if "://" in archive:
        return address
    places = [*([base / archive] if base else []), Path(os.path.expanduser(archive))]  # noqa: PTH111
    found = next(filter(os.path.isfile, places), None)
    return f"{inner}::{absolute_path(found)}" if found else address


def _has_match(path: Path) -> bool:
    return path.exists() or (has_magic(str(path)) and any(iglob(str(path), recursive=True)))


def _find_glob(pattern: Path, prefix: str, exclude: Path | None) -> Iterator[Found]:
    matches = sorted(glob(str(pattern), recursive=True))
    files = [Path(match) for match in matches if not os.path.isdir(match)]  # noqa: PTH112 - as below
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
    return next((each for each in above if all(exists(each / name) for name in RUN_FILES)), None)


def _resolve(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises for a link to itself


def _walk_folder(folder: Path, prefix: str, exclude: Path | None) -> Iterator[Found]:
    """Yield the files of a folder and its subfolders; a folder reached by links is listed once."""
    seen = set[tuple[int, int]]()
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
    folder: Path, prefix: str, exclude: Path | None, seen: set[tuple[int, int]]
) -> Iterator[Found | tuple[Path, str]]:
    """Yield the files of a folder, and the path and the id prefix of each of its subfolders."""
    try:
        here = folder.stat()
        if (here.st_dev, here.st_ino) in seen or (exclude and folder.resolve() == exclude):
            return
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield _failed_item(folder, prefix or folder.name, f"cannot be listed: {error.strerror}")
        return
    seen.add((here.st_dev, here.st_ino))
    if len(seen) > 1 and {entry.name for entry in entries} >= RUN_FILES:
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


def _skipped_results(folder: Path, name: str) -> Found:
    item = _make_item(folder, name)
    return Found(item, "", Skipped(item, "a folder with a run's results; name it to read them"))


def _failed_item(path: Path, name: str, reason: str) -> Found:
    item = _make_item(path, name)
    return Found(item, "", Failed(item, "read", "", reason))


def _make_item(path: Path, name: str) -> Item:
    """Return the Item of a file; bytes of its name that are not UTF-8 are escaped."""
    return Item(as_utf8(name), as_utf8(str(path.absolute())))


def _find_listed(path: Path) -> Iterator[Found]:
    lines = iter(listed_paths(path))
    with ThreadPoolExecutor(_PARALLEL_LOOKUPS) as pool:
        while block := list(islice(lines, _PARALLEL_LOOKUPS)):
            stored = [line for line in block if line.startswith(_STORES)]
            found = dict(zip(stored, pool.map(_find_listed_remote, stored, stored), strict=True))
            for line in block:
                if line in found:
                    yield from found[line]
                elif "://" in line:
                    yield from _find_listed_remote(line, _with_absolute_archive(line, path.parent))
                else:
                    beside = path.parent / line
                    in_current = _is_absent(beside) and not _is_absent(Path(line))
                    path_of_line = Path(line) if in_current else beside
                    yield found_file(path_of_line, line.removeprefix("./"))


def _find_listed_remote(line: str, uri: str) -> list[Found]:
    try:
        return list(find_remote(uri, f"{mask_credentials(line)}/"))
    except AddressError as error:
        item = Item(mask_credentials(line), uri)
        return [Found(item, "", Failed(item, "read", "", error.message))]


def _is_absent(path: Path) -> bool:
    """Whether a path does not exist; False also if that cannot be found out."""
    try:
        path.stat()
    except (OSError, ValueError) as error:
        return isinstance(error, FileNotFoundError | NotADirectoryError)
    return False
