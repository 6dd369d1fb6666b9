"""Find the items of a run: files, folders, globs, lists and URIs.

An item's id is its path relative to the input that the user named. If there are several inputs, the
id begins with the name of the input; if two inputs have the same name, with the path as typed.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from glob import has_magic, iglob
from itertools import islice
from pathlib import Path, PurePosixPath

from diascope.display_text import mask_credentials
from diascope.errors import AddressError, UsageError, reason_of
from diascope.local_files import absolute_path, find_glob, found_file, walk_folder
from diascope.package_files import PACKAGE, package_path
from diascope.path_lists import listed_paths
from diascope.remote import find_remote
from diascope.sample import Failed, Found, Item

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
        if name.startswith(PACKAGE):
            yield from _find_local(_package_path(name), prefix, None, output)
        elif "://" in name:
            yield from find_remote(_with_absolute_archive(name, base), prefix)
        else:
            yield from _find_local(name, prefix, base, output)
    for path in lists:
        yield from _find_listed(path)


def _prefixes(named: Sequence[str]) -> list[str]:
    """Return the prefix of the ids of each input; an empty one if there is only one input."""
    if len(named) < 2:
        return [""] * len(named)
    named = [mask_credentials(name).replace(os.sep, "/") for name in named]
    paths = map(PurePosixPath, named)
    short = [path.name or str(path).strip("/") for path in paths]  # "." has no name
    counts = Counter(short)
    return [
        f"{name.strip('/') if counts[last] > 1 else last}/"
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
        yield from walk_folder(absolute_path(path), prefix, exclude)
    elif exists:
        yield found_file(path, prefix.rstrip("/") or path.name)
    elif has_magic(name):
        yield from find_glob(path, prefix, exclude)
    else:
        folders = dict.fromkeys([*([base] if base else []), Path.cwd()])
        looked = f" (looked in {' and '.join(map(str, folders))})"
        raise UsageError(f"there is no {name!r}{'' if path.is_absolute() else looked}")


def _package_path(name: str) -> str:
    try:
        return str(package_path(name))
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from error


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
