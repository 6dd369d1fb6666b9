"""``pipeline evaluate``: from a table and a recipe to metrics."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from diascope.card import read_card, write_card
from diascope.evaluation.evaluate import Evaluation, evaluate
from tests.cli.tables import measured, with_masks, write_labelled, write_rows
from tests.runs import Ended, rows, write_recipe

Command = Callable[..., Ended]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_labelled(tmp_path)


def test_a_table_is_classified_and_measured_and_the_results_are_written(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = command("evaluate", recipe, "--labels", table, "-o", out, "--by", "sex,age:20")
    assert ended.code == 0, ended.err
    assert "12 items measured, 0 without an answer" in ended.out
    assert "AUC, mean over labels" in ended.out
    assert "8 of 12 rows are in train or validation" in ended.err
    assert "fewer than 10 groups with or without" in ended.err
    assert (out / "evaluation.html").is_file()
    found = measured(out)
    answers = {row["item"]: row for row in rows(out / "predictions.csv")}
    joined = rows(out / "labelled-predictions.csv")
    assert [(row["path"], row["truth"], row["split"]) for row in joined] == [
        (row["path"], row["label"], row["split"]) for row in rows(table)
    ]
    for row in joined:
        answer = answers[str(table.parent / row["path"])]
        assert {key: row[key] for key in row.keys() & answer.keys()}.items() <= answer.items()
    hits = sum(row["predicted"] == row["truth"] for row in joined)
    assert found["metrics"]["accuracy"]["value"] == pytest.approx(hits / 12, abs=1e-4)
    assert {part: len(values) for part, values in found["subgroups"].items()} == {
        "sex": 2,
        "age": 1,
    }


def test_groups_are_measured_by_the_mean_scores_of_their_items(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    out, pairs = tmp_path / "out", tmp_path / "pairs.csv"
    lines = [f"{row['path']},{row['label']}" for row in rows(table)]
    pairs.write_text("\n".join(["path,label,group", *(f"{x},{x[-3:]}" for x in lines)]) + "\n")
    ended = command("evaluate", recipe, "--labels", pairs, "-o", out, "--per-group")
    assert ended.code == 0, ended.err
    assert "3 items measured" in ended.out
    assert "one answer for each group, the mean scores of its items (12 items)" in ended.err

    joined = rows(out / "labelled-predictions.csv")
    hits = []
    for truth in sorted({row["truth"] for row in joined}):
        of_group = [row for row in joined if row["truth"] == truth]
        means = {
            name: np.mean([float(row[name]) for row in of_group])
            for name in joined[0]
            if name.startswith("score.")
        }
        hits.append(max(means, key=means.__getitem__) == f"score.{truth}")
    assert measured(out)["metrics"]["accuracy"]["value"] == pytest.approx(np.mean(hits), abs=1e-4)
    again = ("evaluate", recipe, "--labels", pairs, "-o", out, "--per-group", "--update-card")
    refused = command(*again)
    assert (refused.code, "omit --per-group" in refused.err) == (2, True)


def test_one_folder_takes_one_evaluation_at_a_time(
    command: Command, recipe: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("evaluate", recipe, "-o", tmp_path / "out", "--labels")
    other, others = write_rows(tmp_path / "other.csv", 9), list[Ended]()

    def measuring(*values: Any, **options: Any) -> Evaluation:
        if not others:
            others.append(Ended(-1, "", ""))
            others.append(command(*arguments, other))
        return evaluate(*values, **options)

    monkeypatch.setattr("diascope.evaluation.plan.evaluate", measuring)
    assert command(*arguments, table).code == 0
    assert others[-1].code == 2
    assert "another run is writing here" in others[-1].err
    assert len(rows(tmp_path / "out" / "predictions.csv")) == 12
    assert measured(tmp_path / "out")["items"]["found"] == 12


def test_the_recipe_is_named_as_typed(
    command: Command, recipe: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recipe.parent)

    assert command("evaluate", recipe.name, "--labels", table, "-o", tmp_path / "out").code == 0
    assert measured(tmp_path / "out")["recipe"] == recipe.name


def test_only_the_requested_split_is_measured(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    ended = command(
        "evaluate", recipe, "--labels", table, "-o", tmp_path / "out", "--split", "test", "-q"
    )
    assert (ended.code, ended.out) == (0, "")
    assert measured(tmp_path / "out")["items"]["measured"] == 4


def test_two_recipes_are_compared_each_in_its_own_folder(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = command("evaluate", recipe, "--labels", table, "-o", out, "--compare", recipe)
    found = measured(out)
    assert ended.code == 0, ended.err
    assert (out / "compared" / "ledger.sqlite").is_file()
    answers = rows(out / "labelled-predictions.csv")
    assert rows(out / "compared" / "labelled-predictions.csv") == answers
    assert found["comparison"]["metrics"]["balanced_accuracy"]["difference"] == 0
    assert found["comparison"]["delong"]["auc_red"] == {"difference": 0}


def test_the_same_command_again_classifies_nothing_and_writes_the_same(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    call = ("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    command(*call)
    before = (tmp_path / "out" / "metrics.json").read_bytes()
    stamp = (tmp_path / "out" / "run.json").read_bytes()
    assert command(*call).code == 0
    assert (tmp_path / "out" / "metrics.json").read_bytes() == before
    assert (tmp_path / "out" / "run.json").read_bytes() == stamp


def test_a_label_unknown_to_the_model_is_refused_before_anything_is_run(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    write_rows(table, 12, label="purple")
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    assert ended.code == 2
    assert "12 rows with labels that the model does not know: purple" in ended.err
    assert "It knows red, green, blue." in ended.err
    assert not (tmp_path / "out").exists()


def test_a_label_that_no_row_has_is_a_warning(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    write_rows(table, 12, label="red")
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")
    assert ended.code == 0, ended.err
    assert "no item has the label green, blue: metrics that need one are not defined" in ended.err


def test_a_table_without_readable_pictures_is_refused_with_the_first_reason(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    for picture in (table.parent / "photos").iterdir():
        picture.write_bytes(b"no picture")
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out")

    assert ended.code == 2
    assert "nothing was classified; the first reason: " in ended.err


def test_results_are_written_below_the_recipes_output_by_default(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    nowhere = command("evaluate", recipe, "--labels", table)
    output = f"output={tmp_path / 'own'}"
    told = command("evaluate", recipe, "--labels", table, "--set", output)

    assert (nowhere.code, "names no output folder" in nowhere.err) == (2, True)
    assert told.code == 0
    assert (tmp_path / "own" / "evaluation" / "metrics.json").is_file()


def test_a_column_missing_in_the_table_is_refused_before_anything_is_run(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out", "--by", "sx")
    assert ended.code == 2
    assert "no column 'sx' to divide by" in ended.err
    assert not (tmp_path / "out").exists()


def test_evidence_is_measured_if_requested(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ended = command("evaluate", recipe, "--labels", with_masks(table), "-o", out, "--evidence")
    assert "Measuring the evidence maps" in ended.err
    found = measured(out)["evidence"]
    page = (out / "evaluation.html").read_text()

    assert ended.code == 0, ended.err
    assert "Energy inside the mask" in ended.out
    assert found["inside"]["figures"]["area"]["value"] == 0.25
    assert found["seed"] == 0
    assert "Does the answer follow the evidence?" in page
    assert page.count("Not a medical device") == 1


def test_without_masks_the_rest_is_measured(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path, "--evidence")
    found = measured(tmp_path)["evidence"]

    assert ended.code == 0, ended.err
    assert found["inside"] == {}
    assert found["hiding"]["cases"] == 12
    assert "lie where it should" not in (tmp_path / "evaluation.html").read_text()


def test_pictures_left_out_of_the_evidence_are_counted_with_their_reason(
    command: Command, recipe: Path, table: Path, tmp_path: Path
) -> None:
    films = sorted(tmp_path.rglob("*.png"))[:3]
    for film in films:
        picture = Image.open(film)
        picture.save(film, "TIFF", save_all=True, append_images=[picture.copy()])
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out", "--evidence")
    assert "evidence, left out, 3: it holds more than one picture\n" in ended.out


def test_models_that_cannot_be_compared_are_refused_before_anything_is_run(
    command: Command, recipe: Path, table: Path, tmp_path: Path, tiny_weights: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_weights, other)
    card = read_card(other)
    first, *rest = card.labels
    write_card(replace(card, labels=(replace(first, name="pink"), *rest)), other)
    against = write_recipe(tmp_path / "other.yaml", other)
    ended = command(
        "evaluate", recipe, "--labels", table, "-o", tmp_path / "out", "--compare", against
    )
    assert (ended.code, "cannot be compared" in ended.err) == (2, True)
    assert not (tmp_path / "out" / "ledger.sqlite").exists()


def test_a_comparison_is_printed_with_the_warnings_of_the_other_recipe(
    command: Command, recipe: Path, table: Path, tmp_path: Path, tiny_weights: Path
) -> None:
    card = replace(read_card(tiny_weights), preprocess=("equalize",))
    other = tmp_path / "other"
    shutil.copytree(tiny_weights, other)
    write_card(card, other)
    against = write_recipe(tmp_path / "against.yaml", other)
    ended = command(
        "evaluate", recipe, "--labels", table, "-o", tmp_path / "out", "--compare", against
    )
    assert ended.code == 0, ended.err
    assert "against: preprocess differs" in ended.err
    assert "difference from against, on 12 items" in ended.out
