"""The cache of graphs and engine choices."""

import json
from pathlib import Path
from typing import Any

import pytest

from diascope.engines import graph_cache


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIASCOPE_CACHE", str(tmp_path / "home"))
    return tmp_path / "home"


class Maker:
    """Writes a graph and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, path: Path) -> dict[str, Any]:
        self.calls += 1
        path.write_bytes(b"a graph")
        return {"bias": [0.1, -2.5]}

    def kept(self) -> tuple[Path, dict[str, Any]]:
        return graph_cache.load_or_make_graph(
            graph_cache.engine_folder({"weights": "a"}) / "graph.json", ".onnx", self
        )


def test_a_graph_is_made_once() -> None:
    make = Maker()
    (first, facts), (second, others) = make.kept(), make.kept()
    assert (make.calls, first.suffix, first.read_bytes()) == (1, ".onnx", b"a graph")
    assert first == second
    assert facts["bias"] == others["bias"] == [0.1, -2.5]


@pytest.mark.parametrize("damage", ["graph", "gone", "entry", "other"])
def test_a_damaged_graph_is_made_again(damage: str) -> None:
    make = Maker()
    path, _ = make.kept()
    if damage == "graph":
        path.write_bytes(b"a gra")
    elif damage == "gone":
        path.unlink()
    else:
        (path.parent / "graph.json").write_text("{" if damage == "entry" else "[1]")
    assert make.kept()[0].read_bytes() == b"a graph"
    assert make.calls == 2


def test_a_graph_of_two_files_is_kept_and_checked_as_one(tmp_path: Path) -> None:
    folder = graph_cache.engine_folder({"weights": "a"})
    made = folder / "made.xml"
    made.write_bytes(b"operations")
    made.with_suffix(".bin").write_bytes(b"numbers")
    path = graph_cache.store_graph(folder / "int8.json", made, {"change": 0.1})
    found = graph_cache.load_graph(folder / "int8.json")
    assert found is not None
    assert (found[0], found[1]["change"]) == (path, 0.1)
    assert path.with_suffix(".bin").read_bytes() == b"numbers"
    path.with_suffix(".bin").write_bytes(b"numbets")
    assert graph_cache.load_graph(folder / "int8.json") is None
    path.with_suffix(".bin").unlink()
    assert graph_cache.load_graph(folder / "int8.json") is None


def test_other_facts_have_another_folder() -> None:
    assert graph_cache.engine_folder({"weights": "a"}) != graph_cache.engine_folder(
        {"weights": "b"}
    )
    assert graph_cache.engine_folder({"weights": "a"}) == graph_cache.engine_folder(
        {"weights": "a"}
    )


def test_a_cache_that_is_not_writable_is_replaced_by_a_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder can be made below a file")
    monkeypatch.setenv("DIASCOPE_CACHE", str(tmp_path / "file"))
    folder = graph_cache.engine_folder({"weights": "a"})
    assert folder.is_dir()
    assert tmp_path not in folder.parents


def test_a_user_without_a_home_uses_that_of_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("DIASCOPE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert graph_cache.cache_root() == Path("/.cache/diascope")


def test_an_entry_is_written_atomically(tmp_path: Path) -> None:
    path = tmp_path / "entry.json"
    graph_cache.write_entry(path, {"engine": "onnx"})
    assert graph_cache.read_entry(path) == {"engine": "onnx"}
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["entry.json"]
    path.write_text(json.dumps({"engine": "onnx"})[:-4])
    assert graph_cache.read_entry(path) is None


def test_an_entry_with_any_flipped_bit_counts_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    graph_cache.write_entry(path, {"file": "a.onnx", "bias": [0.25, -2.5]})
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        assert graph_cache.read_entry(path) is None, damaged


def test_a_folder_that_cannot_be_used_is_copied_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = graph_cache.engine_folder({"weights": "b"})
    (folder / "graph.json").write_text("{}")
    folder.chmod(0o555)

    def full(*_: object, **__: object) -> None:
        raise OSError("read-only")

    monkeypatch.setattr(graph_cache.tempfile, "TemporaryFile", full)
    own = graph_cache.engine_folder({"weights": "b"})
    folder.chmod(0o755)
    assert own != folder
    assert own.stat().st_mode & 0o700 == 0o700
    assert (own / "graph.json").read_text() == "{}"
    (own / "more.json").touch()
    assert (graph_cache.engine_folder({"weights": "b"}) / "more.json").exists()


def test_an_entry_that_cannot_be_put_in_place_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "entry.json").mkdir()
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the system
        graph_cache.write_entry(tmp_path / "entry.json", {"a": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["entry.json"]
