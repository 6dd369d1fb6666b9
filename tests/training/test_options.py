"""Invalid values of ``train:`` are refused by name."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from diascope.errors import RecipeError
from diascope.recipe import read_recipe
from diascope.training.options import TrainOptions, train_options
from tests.refusals import refused


def options_of(folder: Path, values: dict[str, Any]) -> TrainOptions:
    train = {"table": "t.csv", "backbone": "resnet18", **values}
    (folder / "t.csv").write_text("path,label\n")
    recipe = folder / "r.yaml"
    recipe.write_text(yaml.safe_dump({"model": "classifier", "train": train}))
    return train_options(read_recipe(str(recipe)))[0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"batch": 0}, "batch must be a whole number of at least 1, got 0"),
        ({"weight_decay": -1.0}, "weight_decay must be a finite number of at least 0"),
        ({"learning_rate": 0.0}, "learning_rate must be a finite number above 0"),
        ({"dropout": 1.0}, "dropout must be a number of at least 0 and below 1"),
        ({"label_smoothing": 1.0}, "label_smoothing must be a number of at least 0 and below 1"),
        ({"folds": 1}, "folds must be 0 or at least 2, got 1"),
        ({"folds": -2}, "folds must be a whole number of at least 0, got -2"),
        ({"ema": 1.0}, "ema must be a number of at least 0 and below 1"),
        ({"layer_decay": 0.0}, "layer_decay must be a number above 0 and at most 1"),
        ({"devices": 0}, "devices must be auto or a whole number of at least 1, got 0"),
        ({"seed": 2**32}, "seed must be a whole number from 0 to 4,294,967,295"),
        ({"teacher_share": 0.0}, "teacher_share must be a number above 0 and at most 1, got 0"),
        ({"teacher_share": 1.5}, "teacher_share must be a number above 0 and at most 1, got 1.5"),
        ({"monitor": "balanced_accuracy", "task": "multilabel"}, "needs one label per picture"),
        ({"test": 0.6, "validation": 0.4}, "must add up to less than 1, got 0.6 and 0.4"),
        ({"validation": 0.0}, "validation must be a number above 0 and below 1, got 0"),
    ],
    ids=str,
)
def test_a_value_out_of_range_is_refused_by_name(wrong: dict[str, Any], said: str) -> None:
    assert said in refused(TrainOptions, {"table": "t.csv", "backbone": "resnet18", **wrong})


@pytest.mark.parametrize(
    "right",
    [
        {"epochs": 1, "batch": 1},
        {"dropout": 0.0, "label_smoothing": 0.99},
        {"folds": 0},
        {"folds": 2},
        {"ema": 0.0, "layer_decay": 1.0},
        {"devices": 1, "seed": 2**32 - 1},
        {"teacher_share": 1.0},
        {"test": 0.0, "validation": 0.5},
    ],
    ids=str,
)
def test_a_value_at_the_end_of_its_range_is_taken(right: dict[str, Any], tmp_path: Path) -> None:
    options = options_of(tmp_path, right)

    assert {name: getattr(options, name) for name in right} == right


def test_a_train_part_without_keys_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("model: classifier\ntrain: quickly\n")

    with pytest.raises(RecipeError, match=r"r\.yaml:2: train must hold keys"):
        train_options(read_recipe(str(tmp_path / "r.yaml")))
