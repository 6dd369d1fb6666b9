"""``pipeline evaluate --update-card``: what goes into the card, and what it loses."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from diascope.card import read_card, write_card
from tests.cli.tables import LABELS, measured, with_masks, write_labelled
from tests.runs import Ended, write_recipe

Command = Callable[..., Ended]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_labelled(tmp_path)


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
    card = read_card(tiny_weights)
    assert command("evaluate", recipe, *options, "--quiet").err == ""
    write_card(card, tiny_weights)
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


@pytest.mark.parametrize("evidence", [(), ("--evidence",)])
@pytest.mark.parametrize("setting", ["test_time=flips", "aggregate=max"])
def test_a_card_is_not_updated_with_figures_of_other_settings_than_it_describes(
    command: Command,
    recipe: Path,
    table: Path,
    tiny_weights: Path,
    tmp_path: Path,
    setting: str,
    evidence: tuple[str, ...],
) -> None:
    before = read_card(tiny_weights)
    options = ("--labels", table, "-o", tmp_path / "out", "--set", f"model.classifier.{setting}")
    ended = command("evaluate", recipe, *options, "--update-card", *evidence)
    assert ended.code == 2
    assert f"the recipe sets {setting.replace('=', ': ')}, and the card of tiny" in ended.err
    assert read_card(tiny_weights) == before


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
