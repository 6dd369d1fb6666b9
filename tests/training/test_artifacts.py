"""Metrics in the card."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from diascope.card import Label, ModelCard
from diascope.evaluation.evaluate import evaluate
from diascope.training.artifacts import add_metrics
from tests.evaluation.tables import multiclass


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
