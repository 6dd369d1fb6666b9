"""Reports that fail or are written again."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from diascope import runner
from diascope.errors import OutputError
from diascope.reports.csv import CsvReport
from tests.runs import Ended, rows, write_pictures, write_recipe

Command = Callable[..., Ended]


@pytest.mark.parametrize(
    ("raised", "kept"),
    [(OutputError, True), (RuntimeError, False), (SystemExit, False), (BaseException, False)],
)
def test_files_written_by_a_report_that_raises_an_output_error_are_kept(
    command: Command,
    recipe: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    raised: type[BaseException],
    kept: bool,
) -> None:
    def write(self: CsvReport, run: Any, records: Any, directory: Path) -> list[Path]:
        (directory / "told.csv").write_text("new")
        raise raised("the rest is not there")

    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    results.mkdir()
    (results / "told.csv").write_text("old")
    with monkeypatch.context() as patch:
        patch.setattr(CsvReport, "write", write)
        ended = command("run", recipe, photos, "-o", results)
    assert ended.code == 1
    assert "the rest is not there" in ended.err
    assert (results / "told.csv").read_text() == ("new" if kept else "old")
    assert command("run", recipe, photos, "-o", results).code == 0
    assert (results / "told.csv").exists() == (not kept)  # what is no longer written goes


def test_under_strict_privacy_a_problem_does_not_quote_its_cause(
    command: Command, tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(self: CsvReport, run: Any, records: Any, directory: Path) -> list[Path]:
        raise OutputError("1 of 2 not stored: FileNotFoundError: /scans/DOE.dcm")

    monkeypatch.setattr(CsvReport, "write", write)
    monkeypatch.setenv("DIASCOPE_PRIVACY_KEY", "a key of the test, long enough")
    strict = write_recipe(tmp_path / "r.yaml", tiny_weights, privacy="strict")
    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    ended = command("run", strict, photos, "-o", results)
    (problem,) = json.loads((results / "run.json").read_text())["problems"]
    assert "1 of 2 not stored: FileNotFoundError, its words" in problem
    assert "DOE" not in problem + ended.err


def _generated(self: CsvReport, run: Any, records: Any, directory: Path) -> Iterator[Path]:
    (directory / "late.csv").write_text("well")
    yield directory / "late.csv"


def test_a_report_that_yields_its_paths_is_written(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CsvReport, "write", _generated)
    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    assert command("run", recipe, photos, "-o", results).code == 0
    assert (results / "late.csv").read_text() == "well"


def _emptied(self: CsvReport, run: Any, records: Any, directory: Path) -> list[Path]:
    run["recipe"].clear()
    run.clear()
    return []


def test_a_report_that_changes_the_facts_of_the_run_does_not_affect_later_reports(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CsvReport, "write", _emptied)
    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    assert command("run", recipe, photos, "-o", results).code == 0
    assert json.loads((results / "run.json").read_text())["recipe"]["model"]


def test_a_report_that_changes_the_current_folder_does_not_affect_the_run(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CsvReport, "write", lambda self, run, records, to: os.chdir(to) or [])
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path / "photos", 1)
    assert command("run", recipe, "photos", "-o", "out").code == 0
    assert Path.cwd() == tmp_path


@pytest.mark.parametrize("above", ["..", None])
def test_a_run_whose_current_folder_is_removed_writes_its_reports(
    command: Command,
    recipe: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    above: str | None,
) -> None:
    carry, here = runner.write_reports, tmp_path / "here"

    def removed(*given: Any) -> Any:
        here.rmdir()
        return carry(*given)

    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(runner, "write_reports", removed)
    photos, output = write_pictures(tmp_path / "photos", 1), Path(above or tmp_path) / "out"
    ended = command("run", recipe, photos, "-o", output)
    assert ended.code == 0
    assert str(tmp_path / "out" / "predictions.csv") in ended.out


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (lambda folder: None, "write returned None"),
        (lambda folder: [folder / "gone.csv"], "it names gone.csv, which does not exist"),
        (lambda folder: [folder.parent / "ledger.sqlite"], "is outside its directory"),
        (lambda folder: [], ""),  # such as a table of slides in a run without any
    ],
)
def test_a_report_that_names_files_it_did_not_write_is_a_problem(
    command: Command,
    recipe: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    returned: Callable[[Path], Any],
    told: str,
) -> None:
    monkeypatch.setattr(CsvReport, "write", lambda self, run, records, to: returned(to))
    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    ended = command("run", recipe, photos, "-o", results)
    assert ended.code == bool(told)
    assert told in ended.err


def test_the_second_of_two_reports_that_write_the_same_file_is_a_problem(
    command: Command, tiny_weights: Path, tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow")
    shards = [{"parquet": {"rows": 2}}, "parquet"]
    recipe = write_recipe(tmp_path / "twice.yaml", tiny_weights, report=[*shards, "csv"])
    photos, results = write_pictures(tmp_path / "photos", 3), tmp_path / "out"
    ended = command("run", recipe, photos, "-o", results)
    assert ended.code == 1
    told = (
        "the report 'parquet' of diascope 0.1.0 could not be written: OutputError: the name "
        "predictions-00000.parquet is taken by the report 'parquet' of diascope 0.1.0"
    )
    assert told in ended.err
    assert "files)" not in ended.out
    written = {path.name for path in results.glob("predictions*")}
    assert written == {"predictions.csv", "predictions-00000.parquet", "predictions-00001.parquet"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_is_full_when_reports_are_written_stops_the_run_until_there_is_room(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def write(self: CsvReport, run: Any, records: Any, directory: Path) -> list[Path]:
        (directory / "predictions.csv").write_text("half of")
        raise OSError(number, os.strerror(number))

    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    (photos / "empty.png").touch()
    with monkeypatch.context() as patch:
        patch.setattr(CsvReport, "write", write)
        ended = command("run", recipe, photos, "-o", results)
    assert ended.code == 3
    assert "Stopped early: the disk is full" in ended.err
    assert "1 ok, 0 failed, 1 skipped" in ended.out
    assert "The reports say why" not in ended.out
    assert not list(results.glob("**/*.csv"))
    again = command("run", recipe, photos, "-o", results)
    assert again.code == 0
    assert "nothing was left to classify" in again.out
    assert "The reports say why items failed or were skipped." in again.out
    assert len(rows(results / "predictions.csv")) == 1


TALLY = """
class Tally:
    api = (1, 0)
    def write(self, run, records, directory):
        (directory / "tally.txt").write_text(str(sum(1 for record in records)))
        return [directory / "tally.txt"]
"""


def test_if_no_report_says_why_items_failed_the_run_does_and_names_one_that_does(
    command: Command, install: Callable[..., None], recipe: Path, tmp_path: Path
) -> None:
    install("acme", "[diascope.reports]\ntally = acme:Tally\n", acme=TALLY)
    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    (photos / "empty.png").touch()
    run = "run", recipe, photos, "-o", results
    strict = command(*run, "--set", "report=[tally]", "--set", "privacy=strict")
    told = command(*run, "--set", "report=[tally]", "--retry")
    with_csv = command(*run, "--set", "report=[tally, csv]")

    assert "The reports say why" not in told.out + strict.out
    assert "The first item that failed or was skipped: the file is empty" in told.out
    assert "the file is empty" not in strict.out
    for each in (told, strict):
        assert "Add csv to `report:`" in each.out, each.err
    assert "The reports say why items failed or were skipped." in with_csv.out
    assert "Add csv" not in with_csv.out


def test_neither_run_json_nor_a_report_names_the_password_of_an_input(
    command: Command, recipe: Path, memory: MemoryFileSystem, tmp_path: Path
) -> None:
    (photo,) = write_pictures(tmp_path / "photos", 1).iterdir()
    memory.pipe("/me:secret@host/a.png", photo.read_bytes())
    results, reports = tmp_path / "out", "report=[csv,json,html]"
    ended = command("run", recipe, "memory://me:secret@host/a.png", "-o", results, "--set", reports)
    assert ended.code == 0
    told = json.loads((results / "run.json").read_text())
    assert told["inputs"] == ["memory://***@host/a.png"]
    written = [path for path in results.iterdir() if path.name != "ledger.sqlite"]
    assert "report.html" in [path.name for path in written]
    assert not [path.name for path in written if b"secret" in path.read_bytes()]
