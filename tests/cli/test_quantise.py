"""``pipeline quantise``: from a recipe and pictures to a graph for ``pipeline run``."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from diascope import extras
from tests.runs import Ended, write_pictures, write_recipe

Command = Callable[..., Ended]

pytest.importorskip("nncf")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIASCOPE_CACHE", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def int8(tmp_path: Path, tiny_weights: Path) -> Path:
    """A recipe that asks for int8."""
    run = {"workers": 0, "precision": "int8"}
    return write_recipe(tmp_path / "tiny.yaml", tiny_weights, run=run)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "photos", 70)


def test_a_quantised_graph_runs_and_a_folder_keeps_the_graph_it_started_with(
    command: Command, int8: Path, photos: Path, tmp_path: Path
) -> None:
    arguments = "run", int8, photos, "-o", tmp_path / "out"
    refused = command(*arguments)
    assert refused.code == 2
    assert "pipeline quantise RECIPE PHOTOS" in refused.err

    (photos / "00bad.png").write_bytes(b"\x89PNG\r\n\x1a\n no picture")
    ended = command("quantise", int8, photos)
    assert ended.code == 0, ended.err
    assert "quantised with 70 pictures" in ended.out
    assert "the whole backbone in int8" in ended.out
    assert "on your pictures it moves a score by" in ended.out
    assert "on the drawn reference pictures it moves a score by" in ended.out
    assert "`run: {precision: int8}` will use it" in ended.out
    assert "left out: 00bad.png: " in ended.err
    first = ended.out.partition(" is kept:")[0].rpartition("\n")[2]

    assert f"executed by openvino {first}" in command(*arguments, "--limit", 3).out
    command("quantise", int8, photos, "--items", 66, "--quiet")
    assert f"executed by openvino {first}" in command(*arguments, "--limit", 6).out
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["execution"]["precision"] == first
    assert first not in command(*arguments[:-1], tmp_path / "new", "--limit", 3).out


def test_neither_pictures_nor_their_names_are_stored(
    command: Command, int8: Path, photos: Path, home: Path
) -> None:
    command("quantise", int8, photos)
    kept = [path for path in home.rglob("*") if path.is_file()]
    assert sorted({path.suffix for path in kept}) == [".bin", ".json", ".onnx", ".xml"]
    assert not [path for path in kept if b"69.png" in path.read_bytes()]
    assert sum(path.stat().st_size for path in kept) < 100_000


def test_a_graph_that_a_run_would_refuse_is_reported(
    command: Command, int8: Path, photos: Path, tmp_path: Path
) -> None:
    ended = command("quantise", int8, photos, "--set", "run.tolerance=1e-9")
    assert ended.code == 0
    assert "refuse it: allowed are a change of at most 1e-09 and no flip" in ended.out
    whole, one = (
        ended.out.find(f"the {part} in int8") for part in ("whole backbone", "last convolution")
    )
    assert 0 <= whole < one


def test_too_few_pictures_are_an_error_that_says_why(
    command: Command, int8: Path, tmp_path: Path
) -> None:
    (write_pictures(tmp_path / "few", 3) / "00.png").write_text("no picture")
    results = write_pictures(tmp_path / "few" / "results", 64)  # of an earlier run
    ended = command("quantise", int8, tmp_path / "few", "--set", f"output={results}")
    assert ended.code == 2
    assert "quantising needs at least 64 pictures, and 2 could be read; others not" in ended.err
    assert "such as 00.png: the file is named .png, but" in ended.err


def test_a_missing_nncf_is_an_error_that_names_the_extra(
    command: Command, int8: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "nncf" else name)
    ended = command("quantise", int8, photos)
    assert ended.code == 2
    assert "quantising needs packages that are not installed: nncf" in ended.err
    assert "diascope[int8]" in ended.err


def test_strict_privacy_and_a_home_that_cannot_be_written_are_refused(
    command: Command, int8: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "strict" in command("quantise", int8, photos, "--set", "privacy=strict").err
    (tmp_path / "file").write_text("no folder can be made below a file")
    monkeypatch.setenv("DIASCOPE_CACHE", str(tmp_path / "file"))
    ended = command("quantise", int8, photos)
    assert ended.code == 2
    assert "the graph cannot be stored\n  Set DIASCOPE_CACHE to another" in ended.err


def test_neither_quantising_nor_the_run_after_it_imports_telemetry_nor_the_run_nncf(
    int8: Path, photos: Path, tmp_path: Path
) -> None:
    show = "print([n for n in ('openvino_telemetry', 'nncf') if sys.modules.get(n)])"
    code = f"""import sys
from diascope.cli import pipeline
try:
    pipeline(sys.argv[1:], standalone_mode=False)
except SystemExit as end:
    assert not end.code
{show}"""
    told = []
    for arguments in (["quantise", int8, photos], ["run", int8, photos, "-o", tmp_path / "out"]):
        command = [sys.executable, "-c", code, *map(str, arguments), "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        told.append(done.stdout)
    assert told == ["['nncf']\n", "[]\n"]
