"""Find items on remote file systems and in archives, by fsspec."""

import hashlib
import json
import re
from collections.abc import Iterator
from glob import has_magic
from pathlib import PurePosixPath
from typing import Any

from diascope.errors import AbsentError, UsageError
from diascope.found import Found
from diascope.sample import Item

_INSTALL = {"s3": "diascope[s3]", "http": "diascope[http]", "https": "diascope[http]"}


def find_remote(uri: str, prefix: str) -> Iterator[Found]:
    """Yield what is at a URI: a file, or the files of a folder, glob or archive.

    Args:
        prefix: stands before the ids; empty if only this is named.

    Raises:
        AbsentError: if nothing is there.
        UsageError: if its file system is not installed, or cannot list it.
    """
    shown = re.sub(r"//[^/@]*@", "//***@", uri)  # no password in a message
    head, chained, rest = uri.partition("::")
    tail = f"::{rest}" if chained else ""
    try:
        from fsspec.core import url_to_fs

        system, root = url_to_fs(uri)
        paths = _remote_paths(system, root, uri)
    except ImportError as error:
        scheme = uri.partition("://")[0]
        package = _INSTALL.get(scheme, error.name)
        hint = f'pip install "{package}"'
        raise UsageError(f"{scheme}:// is not installed: {error}", hint=hint) from error
    except FileNotFoundError:
        paths = {}
    except Exception as error:  # a file system may raise anything
        raise UsageError(f"{shown} cannot be listed: {type(error).__name__}: {error}") from error
    if not paths:
        raise AbsentError(f"there is nothing at {shown}")
    scheme = head.partition("://")[0]
    single = [root] == list(paths)
    fixed = re.split(r"[*?[]", root)[0].rpartition("/")[0] if has_magic(root) else root.rstrip("/")
    for path, stamp in paths.items():
        inner = path.removeprefix(fixed).lstrip("/")
        name = prefix.rstrip("/") or PurePosixPath(path).name if single else f"{prefix}{inner}"
        located = uri if single else f"{scheme}://{path.lstrip('/')}{tail}"
        if not tail and not single:
            located = system.unstrip_protocol(path)
        yield Found(Item(name, located), stamp)


def remote_stamp(uri: str) -> str:
    """Return a digest of all that the file system tells of a file; empty if it tells nothing."""
    from fsspec.core import url_to_fs

    try:
        system, root = url_to_fs(uri)
        system.invalidate_cache(root)  # a listing tells other things, and what was there then
        return _digest(system.info(root))
    except Exception:  # a file system may raise anything
        return ""


def _digest(info: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(info, sort_keys=True, default=str).encode()).hexdigest()


def _remote_paths(system: Any, root: str, uri: str) -> dict[str, str]:
    """Return path to stamp: a digest of all that the file system tells of the file."""
    if has_magic(root):
        infos = system.glob(root, detail=True)
    elif uri.startswith(("http://", "https://")) and not root.endswith("/"):
        infos = {root: system.info(root)}
    else:
        infos = system.find(root, detail=True)
    return {
        path: _digest(info)
        for path, info in sorted(infos.items())
        if info.get("type") != "directory"
    }
