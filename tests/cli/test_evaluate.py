"""``pipeline evaluate``: from a table and a recipe to metrics."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from diascope.card import read_card, write_card
from diascope.evaluation.evaluate import Evaluation, evaluate
from tests.cli.tables import LABELS, measured, write_labelled, write_rows
from tests.runs import Ended, rows, write_recipe

Command = Callable[..., Ended]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_labelled(tmp_path)


def with_masks(table: Path) -> Path:
    """Give every row of a table a mask of its middle."""
    mask = Image.new("L", (40, 40), 0)
    mask.paste(255, (10, 10, 30, 30))
    mask.save(table.parent / "mask.png")
    header, *lines = table.read_text().splitlines()
    table.write_text("\n".join([f"{header},mask", *(f"{line},mask.png" for line in lines)]))
    return table


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
    right = [
        (row["item"].rpartition("/")[2], row["predicted"]) for row in rows(out / "predictions.csv")
    ]
    hits = sum(label == LABELS[int(name[:2]) % 3] for name, label in right)
    assert found["metrics"]["accuracy"]["value"] == pytest.approx(hits / 12, abs=1e-4)
    assert {part: len(values) for part, values in found["subgroups"].items()} == {
        "sex": 2,
        "age": 1,
    }


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


def test_the_evidence_figures_go_into_the_card_and_are_shown_with_it(
    command: Command, recipe: Path, table: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    before = read_card(tiny_weights)
    options = ("--labels", with_masks(table), "--evidence", "--update-card", "--split", "test")
    ended = command("evaluate", recipe, "-o", tmp_path / "out", *options)
    card = read_card(tiny_weights)
    found = measured(tmp_path / "out")["evidence"]

    assert ended.code == 0, ended.err
    assert str(tiny_weights / "card.yaml") in ended.out
    assert card.evidence["inside"] == found["inside"]
    assert card.evidence["hiding"] == found["hiding"]
    assert (
        card.evidence["measured_on"] == "4 pictures of 4 groups of table.csv, held out of training"
    )
    assert card.evidence["masks"] == "4 pictures that the column mask of table.csv names"
    assert replace(card, evidence={}) == before

    text = command("models", "show", tiny_weights).out
    page = command("models", "show", tiny_weights, "--html", "-").out
    plain = json.loads(command("models", "show", tiny_weights, "--json").out)
    assert "Energy inside the mask" in text
    assert "Energy inside the mask" in page
    assert "4 pictures of 4 groups of table.csv" in page
    assert plain["evidence"]["inside"]["figures"]["area"]["value"] == 0.25


def test_the_card_says_that_rows_of_the_training_were_measured(
    command: Command, recipe: Path, table: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    options = ("--labels", table, "--evidence", "--update-card")
    command("evaluate", recipe, "-o", tmp_path / "out", *options)
    evidence = read_card(tiny_weights).evidence

    assert "8 of them in train or validation" in evidence["measured_on"]
    assert evidence["masks"] == ""


def test_without_evidence_the_metrics_go_into_the_card_and_are_shown_with_it(
    command: Command, recipe: Path, table: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    before = read_card(tiny_weights)
    options = ("--labels", table, "--update-card", "--by", "sex", "--split")
    ended = command("evaluate", recipe, "-o", tmp_path / "out", *options, "test")
    card = read_card(tiny_weights)
    found, told = measured(tmp_path / "out"), card.metrics["measured_on"]

    assert ended.code == 0, ended.err
    assert str(tiny_weights / "card.yaml") in ended.out
    assert {k: v for k, v in card.metrics.items() if k != "measured_on"} == found["metrics"]
    assert told.startswith("test: 4 pictures of 4 groups of table.csv, held out of training; 95 %")
    assert found["warnings"][0] in told
    women = found["subgroups"]["sex"]["f"]
    assert card.subgroups["sex=f"]["accuracy"] == women["metrics"]["accuracy"]
    assert replace(card, metrics=before.metrics, subgroups=before.subgroups) == before
    assert told in command("models", "show", tiny_weights).out

    command("evaluate", recipe, "-o", tmp_path / "all", *options[:-1])
    told = read_card(tiny_weights).metrics["measured_on"]
    assert "12 pictures of 12 groups of table.csv, 8 of them in train or validation" in told


def test_figures_that_the_card_loses_are_named(
    command: Command, recipe: Path, table: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    options = ("--labels", table, "-o", tmp_path / "out", "--update-card")
    assert "the card loses" not in command("evaluate", recipe, *options, "--by", "sex,age:20").err
    ended = command("evaluate", recipe, *options, "--by", "sex")
    assert "warning: the card loses its subgroups by age: --by measures them again" in ended.err
    card = read_card(tiny_weights)
    one = {"value": 1.0, "low": 1.0, "high": 1.0}
    write_card(replace(card, metrics={**card.metrics, "set_coverage": one}), tiny_weights)
    assert "the card loses its subgroups by sex" in command("evaluate", recipe, *options).err
    write_card(replace(card, metrics={**card.metrics, "set_coverage": one}), tiny_weights)
    ended = command("evaluate", recipe, *options, "--by", "sex")
    assert "the card loses the measured coverage of its prediction sets" in ended.err


def test_a_card_holds_no_warnings_about_the_model_compared_with(
    command: Command, recipe: Path, table: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_weights, other)
    write_card(replace(read_card(other), preprocess=("equalize",)), other)
    (tmp_path / "older").mkdir()
    namesake = write_recipe(tmp_path / "older" / recipe.name, other)
    options = ("--labels", table, "-o", tmp_path / "out", "--compare", namesake)
    ended = command("evaluate", recipe, *options, "--update-card")
    warning = "tiny (other): preprocess differs"
    assert ended.code == 0, ended.err
    assert "difference from tiny (other), on 12 items" in ended.out
    assert f"warning: {warning}" in ended.err
    assert any(each.startswith(warning) for each in measured(tmp_path / "out")["warnings"])
    told = read_card(tiny_weights).metrics["measured_on"]
    assert measured(tmp_path / "out")["warnings"][0] in told
    assert "preprocess differs" not in told


def test_the_card_names_the_file_that_tells_the_splits_but_no_folder(
    command: Command, recipe: Path, table: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    rows = [f"photos/{n:02}.png,{LABELS[n % 3]}" for n in range(12)]
    table.write_text("\n".join(["path,label", *rows]))
    split = [f"photos/{n:02}.png,red,,{'validation' if n < 6 else 'test'}" for n in range(11)]
    (tiny_weights / "split.csv").write_text("\n".join(["path,label,group,split", *split]))
    command("evaluate", recipe, "--labels", table, "-o", tmp_path / "out", "--update-card")
    told = read_card(tiny_weights).metrics["measured_on"]
    assert "split.csv beside the weights: 11 of 12 rows" in told
    assert str(tmp_path) not in told


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


FINDINGS = """
from dataclasses import dataclass
from pathlib import Path
from diascope import Label, ModelCard

@dataclass(frozen=True)
class Findings:
    weights: Path
    api = (1, 0)
    card = ModelCard(
        name="findings", task="multiclass", labels=(Label("red"), Label("green"), Label("blue")),
        score_kind="softmax", size=(32, 32), mean=(0.5,) * 3, std=(0.25,) * 3, backbone="",
    )
    def load(self, runtime):
        raise NotImplementedError
"""


def test_the_card_of_a_model_whose_weights_are_a_file_cannot_be_updated(
    command: Command, install: Callable[..., None], table: Path, tmp_path: Path
) -> None:
    install("acme", "[diascope.models]\nfindings = acme:Findings\n", acme=FINDINGS)
    (tmp_path / "findings.pth").write_bytes(b"weights")
    recipe = tmp_path / "findings.yaml"
    recipe.write_text("model: {findings: {weights: findings.pth}}")
    ended = command("evaluate", recipe, "--labels", table, "-o", tmp_path / "o", "--update-card")
    assert ended.code == 2
    assert "findings has no folder of weights whose card could be updated" in ended.err
