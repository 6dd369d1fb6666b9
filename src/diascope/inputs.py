"""Find the items of a run: files, folders, globs, lists and URIs.

An item's id is its path relative to what the user named. Where several things are named, the name
of each comes first; where two of them have the same name, the path as it was typed.
"""

import csv
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path, PurePosixPath
from typing import Any

from diascope.errors import UsageError
from diascope.sample import Failed, Item, Skipped

_EXTRAS = {"s3": "s3", "http": "http", "https": "http"}


@dataclass(frozen=True, slots=True)
class Found:
    """An item, a stamp that changes when its content does, and its end if it has one already."""

    item: Item
    stamp: str
    end: Skipped | Failed | None = None


def find_items(
    named: Sequence[str],
    lists: Sequence[Path] = (),
    *,
    base: Path | None = None,
    leave_out: Path | None = None,
) -> Iterator[Found]:
    """Yield what is found, folders in the order of their names.

    Args:
        named: files, folders, globs and URIs, as typed.
        lists: text files with a path a line, or CSV files with a column ``path``.
        base: folder in which relative paths are looked up first; the current folder is next.
        leave_out: a folder that is not looked into: the run's own output.

    Raises:
        UsageError: if something named is not there, or its file system is not installed.
    """
    prefixes = _prefixes(named)
    for name, prefix in zip(named, prefixes, strict=True):
        if "://" in name:
            yield from _remote(name, prefix)
        else:
            yield from _local(name, prefix, base, leave_out)
    for path in lists:
        yield from _listed(path)


def stamp_of(path: Path) -> str:
    """Return size and modification time of a local file, or an empty text if it is not there."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}"


def _prefixes(named: Sequence[str]) -> list[str]:
    """Return what stands before the ids of each named thing; nothing if only one is named."""
    if len(named) < 2:
        return [""] * len(named)
    short = [PurePosixPath(name.rstrip("/")).name for name in named]
    counts = Counter(short)
    return [
        f"{name.strip('/') if counts[last] > 1 else last}/"
        for name, last in zip(named, short, strict=True)
    ]


def _local(name: str, prefix: str, base: Path | None, leave_out: Path | None) -> Iterator[Found]:
    path = Path(name).expanduser()
    if base is not None and not path.is_absolute() and _exists(base / path):
        path = base / path
    if path.is_dir():
        yield from _folder(path, prefix, leave_out, set())
    elif path.exists():
        yield _file(path, prefix.rstrip("/") or path.name)
    elif has_magic(name):
        yield from _globbed(path, prefix)
    else:
        looked = f" (looked in {base} and {Path.cwd()})" if base else f" (looked in {Path.cwd()})"
        raise UsageError(f"there is no {name!r}{'' if path.is_absolute() else looked}")


def _exists(path: Path) -> bool:
    return path.exists() or (has_magic(str(path)) and bool(glob(str(path), recursive=True)))


def _globbed(pattern: Path, prefix: str) -> Iterator[Found]:
    matches = sorted(glob(str(pattern), recursive=True))
    files = [Path(match) for match in matches if Path(match).is_file()]
    if not files:
        raise UsageError(f"no file matches {str(pattern)!r}")
    fixed = 0
    while not has_magic(pattern.parts[fixed]):
        fixed += 1
    root = Path(*pattern.parts[:fixed])
    start = prefix.split("*")[0].split("?")[0].split("[")[0].rpartition("/")[0]
    for path in files:
        inner = path.relative_to(root).as_posix()
        yield _file(path, f"{start}/{inner}" if start else inner)


def _folder(
    folder: Path, prefix: str, leave_out: Path | None, seen: set[tuple[int, int]]
) -> Iterator[Found]:
    here = folder.stat()
    if (here.st_dev, here.st_ino) in seen or (leave_out and folder.resolve() == leave_out):
        return
    inside = seen | {(here.st_dev, here.st_ino)}
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        item = Item(prefix or folder.name, str(folder.absolute()))
        reason = f"the folder cannot be listed: {error.strerror}"
        yield Found(item, "", Failed(item, "read", "", reason))
        return
    for entry in entries:
        name = f"{prefix}{entry.name}"
        if entry.name.startswith("."):
            item = Item(name, str(Path(entry.path).absolute()))
            yield Found(item, "", Skipped(item, "hidden"))
        elif entry.is_dir():
            yield from _folder(Path(entry.path), f"{name}/", leave_out, inside)
        else:
            yield _file(Path(entry.path), name)


def _file(path: Path, name: str) -> Found:
    item = Item(name, str(path.absolute()))
    if path.exists() and not path.is_file():
        return Found(item, "", Skipped(item, "not a regular file"))
    return Found(item, stamp_of(path))


def _listed(path: Path) -> Iterator[Found]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the list {path} cannot be read: {error}") from error
    lines = text.splitlines()
    if path.suffix.lower() == ".csv":
        rows = list(csv.DictReader(lines))
        if rows and "path" not in rows[0]:
            raise UsageError(f"the list {path} has no column 'path': {', '.join(rows[0])}")
        lines = [row["path"] for row in rows]
    for line in (line.strip() for line in lines):
        if not line or line.startswith("#"):
            continue
        if "://" in line:
            yield from _remote(line, f"{line}/")
            continue
        target = path.parent / line
        yield _file(target if target.exists() else Path.cwd() / line, line.removeprefix("./"))


def _remote(uri: str, prefix: str) -> Iterator[Found]:
    head, chained, rest = uri.partition("::")
    tail = f"::{rest}" if chained else ""
    try:
        from fsspec.core import url_to_fs

        system, root = url_to_fs(uri)
        paths = _remote_paths(system, root, uri)
    except ImportError as error:
        scheme = uri.partition("://")[0]
        extra = _EXTRAS.get(scheme)
        hint = f'pip install "diascope[{extra}]"' if extra else f"pip install {error.name}"
        raise UsageError(f"{scheme}:// is not installed: {error}", hint=hint) from error
    except Exception as error:  # a file system may raise anything
        raise UsageError(f"{uri} cannot be listed: {type(error).__name__}: {error}") from error
    if not paths:
        raise UsageError(f"there is nothing at {uri}")
    scheme = head.partition("://")[0]
    single = [root] == list(paths)
    for path, stamp in paths.items():
        inner = path.removeprefix(root.split("*")[0].rstrip("/")).lstrip("/")
        name = prefix.rstrip("/") or PurePosixPath(path).name if single else f"{prefix}{inner}"
        located = uri if single else f"{scheme}://{path.lstrip('/')}{tail}"
        if not tail and not single:
            located = system.unstrip_protocol(path)
        yield Found(Item(name, located), stamp)


def _remote_paths(system: Any, root: str, uri: str) -> dict[str, str]:
    """Return path to stamp; the stamp is the file system's own checksum."""
    if has_magic(root):
        infos = system.glob(root, detail=True)
    elif uri.startswith(("http://", "https://")) and not root.endswith("/"):
        infos = {root: system.info(root)}
    else:
        infos = system.find(root, detail=True)
    return {
        path: f"{info.get('ETag', '')}{info.get('size', '')}:{info.get('mtime', '')}"
        for path, info in sorted(infos.items())
        if info.get("type") != "directory"
    }
