"""Exported graphs and choices of engines, kept from run to run in a folder of the user's.

Two runs may write at once: every file is put in place whole, and one that does not hold what its
entry says counts as missing.
"""

import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

_GRAPH = "graph.json"


def store(facts: Mapping[str, Any]) -> Path:
    """Return the folder, made if it is missing, for what depends on these facts alone.

    It lies in ``DIASCOPE_CACHE``, else in ``diascope`` under ``XDG_CACHE_HOME`` or ``~/.cache``; if
    that cannot be written, in a temporary folder of this process.
    """
    key = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
    folder = home() / "engines" / key[:32]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        folder = Path(_temporary().name) / key[:32]
        folder.mkdir(exist_ok=True)
        return folder


def home() -> Path:
    """Return the folder under which everything is kept; it may not be there yet."""
    if own := os.environ.get("DIASCOPE_CACHE"):
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "diascope"


@cache
def processor() -> str:
    """Return what decides how fast engines are here: model, abilities and cores."""
    lines = set[str]()
    with suppress(OSError):  # other systems than Linux tell less
        wanted = ("model name", "flags", "Features")
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        lines = {line for line in text.splitlines() if line.startswith(wanted)}
    return f"{platform.machine()} {platform.processor()} {os.cpu_count()} {sorted(lines)}"


def kept_graph(folder: Path, make: Callable[[Path], list[float]]) -> tuple[Path, list[float]]:
    """Return the file of a graph and its bias; ``make`` writes the one and returns the other."""
    entry = read(folder / _GRAPH)
    if entry is not None:
        path = folder / str(entry.get("file"))
        if path.is_file() and _digest(path) == entry.get("digest"):
            return path, entry["bias"]
    with tempfile.TemporaryDirectory(dir=folder) as staging:
        made = Path(staging) / "graph.onnx"
        bias, digest = make(made), _digest(made)
        path = folder / f"{digest[:16]}.onnx"
        made.replace(path)
    write(folder / _GRAPH, {"file": path.name, "digest": digest, "bias": bias})
    return path, bias


def read(path: Path) -> dict[str, Any] | None:
    """Return an entry; None if it is missing or damaged."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return entry if isinstance(entry, dict) else None


def write(path: Path, entry: Mapping[str, Any]) -> None:
    """Put an entry in place, whole."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8", delete=False) as file:
        json.dump(entry, file)
    Path(file.name).replace(path)


@cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="diascope-")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
