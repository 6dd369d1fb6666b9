"""Find the items of a run: files, folders, globs, lists and URIs.

An item's id is its path relative to what the user named. Where several things are named, the name
of each comes first; where two of them have the same name, the path as it was typed.
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
_AT_ONCE = 16
"""Addresses of a list that are looked up at a time: most of that is waiting for the store."""


def find_items(
    named: Sequence[str],
    lists: Sequence[Path] = (),
    *,
    base: Path | None = None,
    exclude: Path | str | None = None,
) -> Iterator[Found]:
    """Yield what is found, folders in the order of their names.

    Args:
        named: files, folders, globs and URIs, as typed; ``package://NAME/PATH`` is a file in an
            installed Python package.
        lists: text files with a path a line, or CSV files with a column ``path``.
        base: folder in which relative paths are looked up first; the current folder is next.
        exclude: a folder that is not looked into, if any: the recipe's or the run's output. One
            with another run's results that lies in a named one is skipped.

    Raises:
        UsageError: if something named is not there, or its file system is not installed or cannot
            be reached.
    """
    prefixes, output = _prefixes(named), Path(exclude).resolve() if exclude else None
    for name, prefix in zip(named, prefixes, strict=True):
        if name.startswith(_PACKAGE):
            yield from _local(_packaged(name), prefix, None, output)
        elif "://" in name:
            yield from find_remote(_archived(name, base), prefix)
        else:
            yield from _local(name, prefix, base, output)
    for path in lists:
        yield from _listed(path)


def absolute_path(path: Path) -> Path:
    """Return a path from the root and without ``..``, the same by whatever way a file is named."""
    path = path.absolute()
    if ".." not in path.parts:
        return path
    start = len(path.parts) - path.parts[::-1].index("..")
    return _resolved(Path(*path.parts[:start])).joinpath(*path.parts[start:])


def _prefixes(named: Sequence[str]) -> list[str]:
    """Return what stands before the ids of each named thing; nothing if only one is named."""
    if len(named) < 2:
        return [""] * len(named)
    paths = map(PurePosixPath, map(mask_credentials, named))
    short = [path.name or str(path).strip("/") for path in paths]  # "." has no name
    counts = Counter(short)
    return [
        f"{mask_credentials(name).strip('/') if counts[last] > 1 else last}/"
        for name, last in zip(named, short, strict=True)
    ]


def _local(name: str, prefix: str, base: Path | None, exclude: Path | None) -> Iterator[Found]:
    if not name:  # it would be the current folder
        raise UsageError("an input has an empty name", hint="Was a variable of the shell not set?")
    try:
        path = Path(name).expanduser()
        if base is not None and not path.is_absolute() and _exists(base / path):
            path = base / path
        folder, there = path.is_dir(), path.exists()
    except (OSError, ValueError, RuntimeError) as error:  # such as a folder that cannot be entered
        raise UsageError(f"{name!r} cannot be looked at: {reason_of(error)}") from error
    if folder and exclude is not None and path.resolve() == exclude:
        raise UsageError(f"{name!r} is the output folder too", hint="Choose another --output.")
    if folder:
        yield from _folder(absolute_path(path), prefix, exclude)
    elif there:
        yield _file(path, prefix.rstrip("/") or path.name)
    elif has_magic(name):
        yield from _globbed(path, prefix, exclude)
    else:
        folders = dict.fromkeys([*([base] if base else []), Path.cwd()])
        looked = f" (looked in {' and '.join(map(str, folders))})"
        raise UsageError(f"there is no {name!r}{'' if path.is_absolute() else looked}")


def _packaged(name: str) -> str:
    """Return the path of a file or folder in an installed Python package."""
    package, _, inside = name.removeprefix(_PACKAGE).partition("/")
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(f"{name}: there is no installed Python package {package!r}")
    return str(Path(spec.submodule_search_locations[0]) / inside)


def _archived(address: str, base: Path | None) -> str:
    """Return an address; an archive that lies on this machine has its path from the root there.

    It is one file by whatever path, and other machines of a cluster have another current folder.
    """
    inner, _, archive = address.rpartition("::")
    if "://" in archive:
        return address
    places = [*([base / archive] if base else []), Path(os.path.expanduser(archive))]  # noqa: PTH111
    found = next(filter(os.path.isfile, places), None)
    return f"{inner}::{absolute_path(found)}" if found else address


def _exists(path: Path) -> bool:
    return path.exists() or (has_magic(str(path)) and any(iglob(str(path), recursive=True)))


def _globbed(pattern: Path, prefix: str, exclude: Path | None) -> Iterator[Found]:
    matches = sorted(glob(str(pattern), recursive=True))
    files = [Path(match) for match in matches if not os.path.isdir(match)]  # noqa: PTH112 - as below
    if not files:
        raise UsageError(f"no file matches {str(pattern)!r}")
    root = Path(*takewhile(lambda part: not has_magic(part), pattern.parts))
    start = prefix.split("*")[0].split("?")[0].split("[")[0].rpartition("/")[0]
    if exclude is not None and _resolved(root).is_relative_to(exclude):
        exclude = None  # what is named lies in it on purpose
    before, of_a_run, told = f"{start}/" if start else "", dict[Path, Path | None](), set[Path]()
    for path in files:
        if exclude is not None and _resolved(path).is_relative_to(exclude):
            continue
        if path.parent not in of_a_run:
            of_a_run[path.parent] = _results_above(path, root)
        results = of_a_run[path.parent]
        if results is None:
            yield _file(path, f"{before}{path.relative_to(root).as_posix()}")
        elif results not in told:
            told.add(results)
            yield _results(results, f"{before}{results.relative_to(root).as_posix()}")


def _results_above(path: Path, root: Path) -> Path | None:
    """Return the outermost folder below the root that holds a run's results and the file."""
    above = (root / inner for inner in reversed(path.relative_to(root).parents[:-1]))
    exists = os.path.exists  # Path.exists raises where a folder cannot be entered
    return next((each for each in above if all(exists(each / name) for name in RUN_FILES)), None)


def _resolved(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises for a link to itself


def _folder(folder: Path, prefix: str, exclude: Path | None) -> Iterator[Found]:
    """Yield what lies in a folder and those below it, each of them once, by whatever links."""
    seen = set[tuple[int, int]]()
    open_folders = [_listing(folder, prefix, exclude, seen)]
    while open_folders:  # no recursion: a path may have more parts than Python has frames
        found = next(open_folders[-1], None)
        if found is None:
            open_folders.pop()
        elif isinstance(found, Found):
            yield found
        else:
            open_folders.append(_listing(*found, exclude, seen))


def _listing(
    folder: Path, prefix: str, exclude: Path | None, seen: set[tuple[int, int]]
) -> Iterator[Found | tuple[Path, str]]:
    """Yield the files of a folder, and of each folder in it the path and how its ids begin."""
    try:
        here = folder.stat()
        if (here.st_dev, here.st_ino) in seen or (exclude and folder.resolve() == exclude):
            return
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield _failed(folder, prefix or folder.name, f"cannot be listed: {error.strerror}")
        return
    seen.add((here.st_dev, here.st_ino))
    if len(seen) > 1 and {entry.name for entry in entries} >= RUN_FILES:
        yield _results(folder, prefix.rstrip("/"))
        return
    for entry in entries:
        path, name = Path(entry.path), f"{prefix}{entry.name}"
        if entry.name.startswith("."):
            item = _item(path, name)
            yield Found(item, "", Skipped(item, "hidden"))
        elif os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises for a link to itself
            yield path, f"{name}/"
        else:
            yield _file(path, name)


def _file(path: Path, name: str) -> Found:
    try:
        str(path).encode()
        path = absolute_path(path)
        status = path.stat()
    except UnicodeEncodeError:
        return _failed(path, name, "the file's name is not UTF-8; rename it")
    except (OSError, ValueError) as error:  # a ValueError of a name with a zero byte
        return _failed(path, name, f"it cannot be opened: {reason_of(error)}")
    item = _item(path, name)
    if stat.S_ISDIR(status.st_mode):
        return Found(item, "", Skipped(item, "a folder; a list names files"))
    if not stat.S_ISREG(status.st_mode):
        return Found(item, "", Skipped(item, "not a regular file"))
    return Found(item, file_stamp(path))


def _results(folder: Path, name: str) -> Found:
    item = _item(folder, name)
    return Found(item, "", Skipped(item, "a folder with a run's results; name it to read them"))


def _failed(path: Path, name: str, reason: str) -> Found:
    item = _item(path, name)
    return Found(item, "", Failed(item, "read", "", reason))


def _item(path: Path, name: str) -> Item:
    """Return the Item of a file; bytes of its name that are not UTF-8 are written out."""
    return Item(as_utf8(name), as_utf8(str(path.absolute())))


def _listed(path: Path) -> Iterator[Found]:
    lines = iter(listed_paths(path))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while block := list(islice(lines, _AT_ONCE)):
            stored = [line for line in block if line.startswith(_STORES)]
            found = dict(zip(stored, pool.map(_listed_remote, stored, stored), strict=True))
            for line in block:
                if line in found:
                    yield from found[line]
                elif "://" in line:
                    yield from _listed_remote(line, _archived(line, path.parent))
                else:
                    beside = path.parent / line
                    here = _absent(beside) and not _absent(Path(line))
                    yield _file(Path(line) if here else beside, line.removeprefix("./"))


def _listed_remote(line: str, uri: str) -> list[Found]:
    try:
        return list(find_remote(uri, f"{mask_credentials(line)}/"))
    except AddressError as error:
        item = Item(mask_credentials(line), uri)
        return [Found(item, "", Failed(item, "read", "", error.message))]


def _absent(path: Path) -> bool:
    """Whether nothing has that name; what cannot be looked at may be there."""
    try:
        path.stat()
    except (OSError, ValueError) as error:
        return isinstance(error, FileNotFoundError | NotADirectoryError)
    return False
