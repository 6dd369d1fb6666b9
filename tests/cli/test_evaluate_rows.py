"""``pipeline evaluate``: which rows of a table are measured, and warnings about rows."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from diascope.card import read_card, write_card
from tests.cli.tables import measured, write_labelled
from tests.runs import Ended, rows

Command = Callable[..., Ended]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_labelled(tmp_path)


def test_every_row_of_a_failed_picture_is_counted_and_listed(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    table.write_text(table.read_text().replace("photos/07.png", "photos/05.png"))
    (tmp_path / "photos" / "05.png").write_bytes(b"\x89PNG\r\n\x1a\n no picture")
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    found = measured(tmp_path / "out")
    assert ended.code == 1
    assert (found["items"]["found"], found["items"]["failed"]) == (12, 2)
    assert list(found["failed"]) == ["photos/05.png", "photos/05.png (line 9)"]
    answered = [row["path"] for row in rows(tmp_path / "out" / "labelled-predictions.csv")]
    assert answered == [f"photos/{number:02}.png" for number in range(12) if number not in (5, 7)]
    assert "photos/05.png" in (tmp_path / "out" / "evaluation.html").read_text()


def test_a_skipped_picture_has_no_answer_either(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    (tmp_path / "photos" / "05.png").write_bytes(b"")
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    assert ended.code == 1
    assert "11 items measured, 1 without an answer" in ended.out
    assert measured(tmp_path / "out")["failed"] == {"photos/05.png": "the file is empty"}


def test_answers_with_a_warning_are_measured_and_counted_in_a_warning(
    command: Command, recipe: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = "diascope.classifier.Classifier._novelties"
    monkeypatch.setattr(far, lambda _, outputs: [2.0] * len(outputs.logits))
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    assert "12 items measured" in ended.out
    assert "12 of 12 answers with a warning, such as that the picture is unlike" in ended.err
    assert any("12 of 12 answers" in told for told in measured(tmp_path / "out")["warnings"])


def test_scores_above_1_are_refused_with_an_example(
    command: Command, recipe: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beyond = np.array([1.0000001, -1e-7, 0.0])
    monkeypatch.setattr("diascope.classifier.scores_from_logits", lambda rows, _: rows * 0 + beyond)
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    assert ended.code == 2
    assert "12 of 12 answers with scores that are not between 0 and 1, such as 1.0" in ended.err


def test_a_table_whose_name_is_not_utf8_is_measured_and_its_name_written_out(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    odd = table.rename(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.csv")))
    ended = command("evaluate", recipe, "--labels", odd, "-o", tmp_path / "out")
    assert ended.code == 0
    assert measured(tmp_path / "out")["table"] == f"{tmp_path}/\\xff.csv"


def test_the_evaluation_of_a_training_is_not_overwritten(
    command: Command, recipe: Path, table: Path, tiny_weights: Path
) -> None:
    ended = command("evaluate", recipe, "--labels", table, "-o", tiny_weights)
    assert ended.code == 2
    assert "holds weights: this would overwrite the evaluation of their training" in ended.err
    assert not (tiny_weights / "evaluation.html").exists()


def test_a_model_without_prediction_sets_has_no_nominal_coverage(
    command: Command,
    recipe: Path,
    table: Path,
    tiny_weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_card(replace(read_card(tiny_weights), conformal={"0.9": 0.3}), tiny_weights)
    asked = "evaluate", recipe, "--labels", table, "--set", "run.coverage=0.9", "-o"
    command(*asked, tmp_path / "sets")
    monkeypatch.setattr("diascope.classifier.Classifier._prediction_set", lambda *_: None)
    command(*asked, tmp_path / "none")
    found = [measured(tmp_path / name) for name in ("sets", "none")]
    assert [each["promised_coverage"] for each in found] == [0.9, None]
    assert ["set_coverage" in each["metrics"] for each in found] == [True, False]
    told = "12 of 12 answers without a prediction set: no sets are measured"
    assert [told in each["warnings"] for each in found] == [False, True]


def test_numbers_that_only_a_failed_picture_has_do_not_stop_the_command(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    header, *lines = table.read_text().splitlines()
    bare = [line if "05.png" in line else line.rpartition(",")[0] + "," for line in lines]
    table.write_text("\n".join([header, *bare]))
    (tmp_path / "photos" / "05.png").write_bytes(b"\x89PNG\r\n\x1a\n no picture")
    command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out", "--by", "age:20")
    assert measured(tmp_path / "out")["subgroups"]["age"]["not given"]["items"] == 11


def test_rows_without_a_split_count_as_train_if_others_have_one(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    table.write_text(table.read_text().replace(",train,", ",,"))
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    assert "8 of 12 rows are in train or validation" in ended.err
    again = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "2", "--split", "train")
    assert "8 items measured" in again.out


@pytest.mark.parametrize("way", ["photos", "photos/../photos"])
def test_rows_that_share_a_picture_are_a_warning_that_names_them(
    command: Command, recipe: Path, table: Path, tmp_path: Path, way: str
) -> None:
    table.write_text(table.read_text().replace("photos/05.png", f"{way}/02.png"))
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    assert "12 items measured" in ended.out
    assert "2 rows share their picture with others; each counts (lines 4, 7)" in ended.err
