"""Reports that are written again, and the files of outdated ones."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from diascope import reporting
from diascope.card import read_card, write_card
from diascope.output import move_files
from diascope.reports.csv import CsvReport
from tests.runs import rows, write_pictures
from tests.test_reporting import Command


@pytest.mark.parametrize(("name", "left"), [("predictions.csv", ""), ("run.json", "{")])
def test_a_truncated_report_is_written_again(
    command: Command, recipe: Path, tmp_path: Path, name: str, left: str
) -> None:
    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    command("run", recipe, photos, "-o", results)
    (results / name).write_text(left)
    again = command("run", recipe, photos, "-o", results)
    assert again.code == 0
    assert "nothing was left to classify" in again.out
    assert len(rows(results / "predictions.csv")) == 1
    assert json.loads((results / "run.json").read_text())["counts"]["ok"] == 1


def test_report_files_of_a_killed_run_are_removed_if_outdated(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> list[Path]:
        raise KeyboardInterrupt

    photos, results = write_pictures(tmp_path / "photos", 4), tmp_path / "out"
    arguments = "run", recipe, photos, "-o", results, "--set"
    assert command(*arguments, "report=[csv]").code == 0
    with monkeypatch.context() as patch:
        patch.setattr(CsvReport, "write", killed)
        assert command(*arguments, "report=[{parquet: {rows: 1}}, csv]").code == 130
    assert len(list(results.glob("*.parquet"))) == 4
    assert command(*arguments, "report=[csv]").code == 0
    assert not list(results.glob("*.parquet"))


NESTED = """
class Nested:
    api = (1, 0)
    def write(self, run, records, directory):
        for record in records:
            folder = directory / "items" / record.item.id / "parts"
            folder.mkdir(parents=True)
            (folder / "a.txt").write_text("a")
        return sorted(directory.rglob("*.txt"))
"""


def test_folders_that_outdated_report_files_leave_empty_are_removed(
    command: Command, recipe: Path, tmp_path: Path, install: Callable[..., None]
) -> None:
    install("acme", "[diascope.reports]\nnested = acme:Nested\n", acme=NESTED)
    photos, results = write_pictures(tmp_path / "photos", 3), tmp_path / "out"
    arguments = "run", recipe, photos, "-o", results, "--set"
    assert command(*arguments, "report=[nested]").code == 0
    (results / "items" / "02.png" / "notes.txt").write_text("of the user")
    (photos / "00.png").unlink()
    assert command(*arguments, "report=[nested]").code == 0
    assert [path.name for path in sorted((results / "items").iterdir())] == ["01.png", "02.png"]
    assert command(*arguments, "report=[csv]").code == 0
    left = {path.name for path in (results / "items").rglob("*")}
    assert left == {"02.png", "notes.txt"}


def test_a_report_file_renamed_in_case_only_is_kept_on_a_disk_that_ignores_case(
    command: Command, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    old, new = results / "Told.csv", results / "told.csv"

    def move(targets: Mapping[Path, Path]) -> None:
        move_files(targets)
        if new.exists():  # both are names of one file
            old.unlink()
            old.hardlink_to(new)

    def write(self: CsvReport, run: Any, records: Any, directory: Path) -> list[Path]:
        path = directory / f"{run['recipe']['name']}.csv"
        path.write_text("told")
        return [path]

    monkeypatch.setattr(reporting, "move_files", move)
    monkeypatch.setattr(CsvReport, "write", write)
    for name in ("Told", "told"):
        assert command("run", recipe, photos, "-o", results, "--set", f"name={name}").code == 0
    assert old.exists()


def test_a_folder_in_place_of_an_outdated_report_is_kept(
    command: Command, recipe: Path, tmp_path: Path
) -> None:
    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    assert command("run", recipe, photos, "-o", results).code == 0
    (results / "predictions.csv").unlink()
    (results / "predictions.csv").mkdir()
    ended = command("run", recipe, photos, "-o", results)
    assert (ended.code, "Is a directory" in ended.err) == (1, True)
    assert command("run", recipe, photos, "-o", results, "--set", "report=[json]").code == 0
    assert (results / "predictions.csv").is_dir()


def test_a_card_that_has_changed_is_in_the_rewritten_reports(
    command: Command, recipe: Path, tmp_path: Path, tiny_weights: Path
) -> None:
    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    arguments = "run", recipe, photos, "-o", results, "--set", "report=[html]"
    command(*arguments)
    write_card(replace(read_card(tiny_weights), limits=("not for films",)), tiny_weights)
    ended = command(*arguments)
    assert "nothing was left to classify" in ended.out
    assert "not for films" in (results / "report.html").read_text()
    assert json.loads((results / "run.json").read_text())["card"]["limits"] == ["not for films"]


def test_a_changed_recipe_name_is_in_the_rewritten_reports(
    command: Command, recipe: Path, tmp_path: Path
) -> None:
    photos, results = write_pictures(tmp_path / "photos", 1), tmp_path / "out"
    for name in ("old", "new"):
        command("run", recipe, photos, "-o", results, "--set", f"name={name}")
    assert json.loads((results / "run.json").read_text())["recipe"]["name"] == "new"


def test_a_run_that_only_rewrites_reports_states_what_gave_the_answers(
    command: Command, recipe: Path, tmp_path: Path
) -> None:
    arguments = "run", recipe, write_pictures(tmp_path / "photos", 1), "-o", tmp_path / "out"
    told = []
    for reports in ("[csv]", "[csv, json]"):
        command(*arguments, "--set", f"report={reports}")
        told.append(json.loads((tmp_path / "out" / "run.json").read_text())["execution"])
    assert told[0]["engine"] == "torch"
    assert told[1] == told[0]
