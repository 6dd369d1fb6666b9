"""A cache of exported graphs and choices of engines, in the user's cache folder.

Several runs may write at once: every file is moved into place when it is complete, and a file that
does not match the digest in its entry counts as missing.
"""

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

_PROBE_BYTES = 2**16


def engine_folder(facts: Mapping[str, Any]) -> Path:
    """Return the folder for everything that depends only on these facts, creating it if necessary.

    It is in ``DIASCOPE_CACHE``, else in ``diascope`` under ``XDG_CACHE_HOME`` or ``~/.cache``. If
    that is not writable, it is a copy in a temporary folder of this process.
    """
    key = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
    folder = cache_root() / "engines" / key[:32]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_PROBE_BYTES))  # empty files can be created even on a full disk
            return folder
    except OSError:
        own = Path(_temporary().name) / key[:32]
        if not own.exists():
            with suppress(OSError):  # the folder may still be readable
                shutil.copytree(folder, own)
                own.chmod(0o700)
                return own
            own.mkdir(exist_ok=True)
        return own


def cache_root() -> Path:
    """Return the root folder of the cache; it may not exist yet."""
    if own := os.environ.get("DIASCOPE_CACHE"):
        return Path(own)
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "diascope"
    try:
        return Path.home() / ".cache" / "diascope"
    except RuntimeError:  # an unnamed user and no HOME; Docker sets HOME to / then
        return Path("/.cache/diascope")


@cache
def describe_processor() -> str:
    """Return what determines the speed of engines: the CPU's model, instruction sets and cores."""
    lines = set[str]()
    with suppress(OSError):  # only Linux has this file
        wanted = ("model name", "flags", "Features")
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        lines = {line for line in text.splitlines() if line.startswith(wanted)}
    return f"{platform.machine()} {platform.processor()} {os.cpu_count()} {sorted(lines)}"


def load_or_make_graph(
    entry: Path, suffix: str, make: Callable[[Path], dict[str, Any]]
) -> tuple[Path, dict[str, Any]]:
    """Return the file and the entry of a graph.

    Args:
        make: called if the graph is not cached; writes the file and returns the entry.
    """
    if (found := load_graph(entry)) is not None:
        return found
    with tempfile.TemporaryDirectory(dir=entry.parent) as staging:
        made = Path(staging) / f"graph{suffix}"
        facts = make(made)
        return store_graph(entry, made, facts), facts


def store_graph(entry: Path, made: Path, facts: Mapping[str, Any]) -> Path:
    """Move a graph beside its entry, named by its digest, and return its new path.

    Args:
        made: the graph's file, on the same disk; a ``.bin`` of the same name belongs to it.
    """
    digest = graph_digest(made)
    path = entry.parent / f"{digest[:16]}{made.suffix}"
    for part in reversed(_files(made)):
        part.replace(path.with_suffix(part.suffix))
    write_entry(entry, {"file": path.name, "digest": digest, **facts})
    return path


def load_graph(entry: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return the file and the entry of a graph; None if something is missing or damaged."""
    if (facts := read_entry(entry)) is None:
        return None
    path = entry.parent / str(facts.get("file"))
    intact = path.is_file() and graph_digest(path) == facts.get("digest")
    return (path, facts) if intact else None


def graph_digest(path: Path) -> str:
    """Return the SHA-256 of a graph: its file and, if there is one, the ``.bin`` beside it."""
    digest = hashlib.sha256()
    for part in _files(path):
        with part.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def read_entry(path: Path) -> dict[str, Any] | None:
    """Return an entry; None if it is missing or damaged."""
    try:
        text, _, digest = path.read_bytes().rpartition(b"\n")
    except OSError:
        return None
    intact = hashlib.sha256(text).hexdigest().encode() == digest
    entry: dict[str, Any] | None = json.loads(text) if intact else None
    return entry


def write_entry(path: Path, entry: Mapping[str, Any]) -> None:
    """Write an entry atomically: a line of JSON and the SHA-256 of that line."""
    text = json.dumps(entry)
    with tempfile.TemporaryDirectory(dir=path.parent) as staging:
        part = Path(staging) / path.name
        part.write_text(f"{text}\n{hashlib.sha256(text.encode()).hexdigest()}", encoding="utf-8")
        part.replace(path)


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="diascope-")


def _files(graph: Path) -> list[Path]:
    return [each for each in (graph, graph.with_suffix(".bin")) if each.is_file()]
