"""A training that is repeated, resumed or changed."""

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from diascope.errors import WeightsError
from tests.runs import start, strike
from tests.training.test_train import table as table
from tests.training.test_train import trained as trained
from tests.training.trainings import COLOURS, train, write_training

pytest.importorskip("lightning_fabric", reason="needs diascope[train]")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of other libraries


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    tmp_path: Path, table: Path
) -> None:
    augment = [{"RandFlip": {"prob": 0.5}}, {"RandGaussianNoise": {"prob": 0.5}}]
    recipe = write_training(tmp_path / "t.yaml", table, epochs=2, augment=augment)
    other = write_training(tmp_path / "o.yaml", table, epochs=2, augment=augment, seed=1)
    one, two = train(recipe, tmp_path / "one"), train(recipe, tmp_path / "two")
    assert one.digest == two.digest != train(other, tmp_path / "other").digest


@pytest.mark.parametrize("workers", [0, 1])
def test_a_killed_training_goes_on_to_the_same_bytes_as_an_undisturbed_one(
    odd_plugins: Path,
    tmp_path: Path,
    table: Path,
    workers: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rich = {"ema": 0.9, "frozen_epochs": 2, "layer_decay": 0.3, "balance": "sampling"}
    rich |= {"augment": ["RandGaussianNoise"], "mixup": 0.3, "dropout": 0.3}
    rich |= {"operating_points": "youden"}
    recipe = write_training(tmp_path / "t.yaml", table, epochs=5, **rich)
    slow = json.loads(recipe.read_text())
    slow |= {"preprocess": [*slow["preprocess"], "dawdle"], "run": {"workers": workers}}
    recipe.write_text(json.dumps(slow))
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    process = start(odd_plugins, "train", recipe, "-o", killed, ODD_SECONDS="0.01")
    strike(process, signal.SIGKILL, (killed / "checkpoint.pt").exists)
    assert not (killed / "model.safetensors").exists()

    train(recipe, killed)
    assert re.search(r"^resumes after epoch \d of 5$", capsys.readouterr().out, re.MULTILINE)
    train(recipe, undisturbed)
    assert "resumes after" not in capsys.readouterr().out
    for name in ("model.safetensors", "history.json", "filters.npz"):
        assert (killed / name).read_bytes() == (undisturbed / name).read_bytes()


@pytest.mark.parametrize(
    "change", ["train.seed=4", "read={image: {least: 8}}", "accept={modality: [XC]}"]
)
def test_another_recipe_in_the_same_folder_is_refused(trained: Path, change: str) -> None:
    before = (trained / "split.csv").read_bytes()
    with pytest.raises(WeightsError, match="holds another training, which differs in"):
        train(trained.parent / "t.yaml", trained, change)
    assert (trained / "split.csv").read_bytes() == before


def test_decisions_can_be_changed_without_training_again(tmp_path: Path, table: Path) -> None:
    first = write_training(tmp_path / "a.yaml", table, epochs=2)
    other = write_training(tmp_path / "b.yaml", table, epochs=2, operating_points="prevalence")
    plain, decided = (train(recipe, tmp_path / "mine") for recipe in (first, other))

    assert plain.digest == decided.digest
    assert {label.operating_point for label in plain.labels} == {None}
    assert all(label.operating_point for label in decided.labels)


def test_titles_and_codes_of_labels_can_be_changed_without_training_again(
    tmp_path: Path, table: Path
) -> None:
    labels: dict[str, Any] = {name: {"title": name} for name in COLOURS}
    first = train(
        write_training(tmp_path / "a.yaml", table, epochs=1, labels=labels), tmp_path / "mine"
    )
    labels["red"] = {"title": "Red", "codes": {"RAL": "3020"}}
    second = train(
        write_training(tmp_path / "b.yaml", table, epochs=1, labels=labels), tmp_path / "mine"
    )
    assert first.digest == second.digest
    assert (second.labels[0].title, second.labels[0].codes) == ("Red", {"RAL": "3020"})

    backwards = write_training(tmp_path / "c.yaml", table, epochs=1, labels=[*reversed(labels)])
    with pytest.raises(WeightsError, match="holds another training, which differs in"):
        train(backwards, tmp_path / "mine")
