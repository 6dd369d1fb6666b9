"""Invalid values of ``train:`` are refused by name."""

from pathlib import Path
from typing import Any

import pytest

from diascope.errors import RecipeError
from diascope.recipe import read_recipe
from diascope.training.options import TrainOptions, train_options


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"batch": 0}, "batch must be at least 1, got 0"),
        ({"weight_decay": -1.0}, "weight_decay must be finite and at least 0"),
        ({"learning_rate": 0.0}, "learning_rate must be finite and above 0"),
        ({"dropout": 1.0}, "dropout must be below 1"),
        ({"label_smoothing": 1.0}, "label_smoothing must be below 1"),
        ({"folds": 1}, "folds must be 0 or at least 2, got 1"),
        ({"folds": -2}, "folds must be 0 or at least 2, got -2"),
        ({"ema": 1.0}, r"ema must lie in \[0, 1\)"),
        ({"layer_decay": 0.0}, r"layer_decay in \(0, 1\]"),
        ({"devices": 0}, "devices must be auto or at least 1, got 0"),
        ({"seed": 2**32}, "seed must be below"),
        ({"teacher_share": 0.0}, r"teacher_share must lie in \(0, 1\], got 0"),
        ({"teacher_share": 1.5}, r"teacher_share must lie in \(0, 1\], got 1\.5"),
        ({"monitor": "balanced_accuracy", "task": "multilabel"}, "needs one label per picture"),
        ({"test": 0.6, "validation": 0.4}, "their sum below 1"),
        ({"validation": 0.0}, "their sum below 1"),
    ],
    ids=str,
)
def test_a_value_out_of_range_is_refused_by_name(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        TrainOptions(table=None, backbone="b", **wrong)  # type: ignore[arg-type]


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
def test_a_value_at_the_end_of_its_range_is_taken(right: dict[str, Any]) -> None:
    options = TrainOptions(table=None, backbone="b", **right)  # type: ignore[arg-type]

    assert {name: getattr(options, name) for name in right} == right


def test_a_train_part_without_keys_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("model: classifier\ntrain: quickly\n")

    with pytest.raises(RecipeError, match=r"r\.yaml:2: train must hold keys"):
        train_options(read_recipe(str(tmp_path / "r.yaml")))
