"""What a training stores: weights, and metrics in the card."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from diascope.card import Label, ModelCard
from diascope.evaluation.evaluate import evaluate
from diascope.table import Example
from diascope.training.artifacts import add_metrics, round_weights, summarise_data
from diascope.training.options import TrainOptions
from tests.evaluation.tables import multiclass
from tests.explain.networks import make_network


@pytest.mark.parametrize("label", ["blue", "accuracy"])
def test_a_subgroup_in_a_card_has_overall_metrics_and_the_aucs(
    make_card: Callable[..., ModelCard], label: str
) -> None:
    names = ("red", "green", label)
    table = replace(multiclass(columns={"sex": ("f", "m") * 60}), names=names)
    card = make_card(labels=tuple(map(Label, names)))
    card = add_metrics(card, evaluate(table, by=["sex"], draws=5), "test")
    whole = {"auc_macro", "balanced_accuracy", "accuracy", "average_precision_macro"}
    aucs = {"auc_red", "auc_green", f"auc_{label}"}
    assert card.subgroups["sex=f"].keys() == whole | aucs | {"items", "brier", "ece"}


def test_a_card_warns_of_what_its_evaluation_warns_of(make_card: Callable[..., ModelCard]) -> None:
    table = multiclass(24)
    lacking = table.take(table.targets[:, 2] == 0)
    told = add_metrics(make_card(), evaluate(lacking, draws=5), "test").metrics["measured_on"]

    assert "are not defined, and means are over the other labels" in told
    assert "fewer than 10 groups with or without red, green" in told


def test_unknown_labels_are_counted_for_each_split_that_has_any() -> None:
    rows = [("x", "", "train"), ("", "x", "train"), ("y", "x", "train"), ("x", "", "test")]
    examples = [
        Example(f"{n}", Path(), frozenset(known), f"{n}", split, frozenset(unknown))  # type: ignore[arg-type]
        for n, (known, unknown, split) in enumerate(rows)
    ]
    data = summarise_data(TrainOptions(Path("t.csv"), "convnet"), examples)

    assert data["train"]["unknown"] == {"x": 2}
    assert data["train"]["labels"] == {"x": 1, "y": 1}
    assert "unknown" not in data["test"]


@pytest.mark.parametrize("frozen", [False, True])
def test_filters_are_stored_in_half_precision_unless_that_changes_a_frozen_backbone(
    frozen: bool,
) -> None:
    network = make_network()
    coarse, fine = "backbone.0.weight", "backbone.4.weight"
    network.get_parameter(coarse).data.copy_(network.get_parameter(coarse).half())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    stored = round_weights(network, head_only=False, frozen=frozen)

    assert stored[coarse].dtype == stored["head.linear.weight"].dtype == torch.float16
    assert stored[fine].dtype == (torch.float32 if frozen else torch.float16)
    assert stored["backbone.5.weight"].dtype == torch.float32
    assert torch.equal(stored[fine].float(), before[fine]) == frozen
    assert all(torch.equal(stored[name], value) for name, value in network.state_dict().items())
