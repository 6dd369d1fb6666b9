"""How many groups a metric rests on, and its interval if they are few."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from diascope.evaluation.bootstrap import bootstrap_interval
from diascope.evaluation.group_counts import InverseGroupCounts, effective_groups
from diascope.evaluation.labelled_scores import LabelledScores
from diascope.evaluation.library_metrics import LibraryMetrics
from diascope.evaluation.metrics import bootstrap_metrics, compute_metrics, estimate_metrics
from tests.evaluation.tables import binary, multiclass, multilabel, scored


def counts(table: LabelledScores) -> dict[str, float]:
    inverses = compute_metrics(table, InverseGroupCounts(np.array(table.groups)))
    return {name: 1 / inverse for name, inverse in inverses.items()}


def test_groups_of_different_sizes_count_as_fewer_of_equal_size() -> None:
    assert effective_groups(np.repeat(["a", "b", "c"], 7)) == 3
    assert effective_groups(np.array(["a", "b", "b", "b"])) == pytest.approx(16 / 10)
    assert effective_groups(np.array([])) == 0


def test_a_metric_rests_on_the_groups_of_the_items_that_it_is_a_fraction_of() -> None:
    truth = np.eye(2)[[0] * 6 + [1] * 4]
    decided = np.eye(2)[[0] * 5 + [1] * 5] == 1
    table = scored(
        ("no", "yes"), "binary", truth, truth * 0.8 + 0.1, decided, groups=tuple("abcdefggxy")
    )

    found = counts(table)

    assert found["specificity"] == 6
    assert found["sensitivity"] == pytest.approx(16 / 6)
    assert found["ppv"] == pytest.approx(25 / 7)
    assert found["npv"] == 5
    assert found["auc"] == found["average_precision"] == found["sensitivity"]
    assert found["accuracy"] == found["brier"] == found["ece"] == pytest.approx(100 / 12)
    assert found["balanced_accuracy"] == pytest.approx(2 / (1 / 6 + 6 / 16))


def test_unknown_labels_count_for_no_group_and_missing_kinds_for_no_mean() -> None:
    truth = np.array([[1, 1], [1, 1], [0, 1], [0, np.nan], [np.nan, 1], [0, 1]])
    half, groups = np.full((6, 2), 0.5), tuple("aabcdc")
    table = scored(("some", "all"), "multilabel", truth, half, truth == 1, groups=groups)

    found = counts(table)

    assert found["sensitivity_some"] == 1
    assert found["specificity_some"] == pytest.approx(9 / 5)
    assert found["ppv_all"] == pytest.approx(25 / 7)
    assert found["auc_macro"] == found["auc_some"] == 1  # that of "all" is not defined


def test_a_sensitivity_of_one_patient_has_an_interval_only_if_it_is_1() -> None:
    random, truth = np.random.default_rng(0), np.eye(2)[[0] * 40 + [1] * 4]
    groups = (*map(str, range(40)), *["one"] * 4)
    name = "sensitivity_at_specificity_80"
    for found in ([0.9, 0.9, 0.9, 0.9], [0.9, 0.9, 0.9, 0.0]):
        score = np.append(random.random(40), found)
        both = np.stack([1 - score, score], axis=1)
        table = scored(("no", "yes"), "binary", truth, both, both > 0.5, groups=groups)
        figure = estimate_metrics(table, draws=200)[name]
        assert ("low" in figure) == (figure["value"] == 1)


@pytest.mark.parametrize(
    ("make", "metric", "ends"),
    [
        (binary, "sensitivity", (0, 1)),
        (binary, "balanced_accuracy", (0, 1)),
        (multiclass, "auc_macro", (0, 1)),
        (multiclass, "brier", (0, 2)),
        (multiclass, "set_size", (1, 3)),
        (multilabel, "brier", (0, 1)),
    ],
)
def test_an_interval_is_for_the_number_of_groups_that_the_metric_rests_on(
    make: Callable[..., LabelledScores], metric: str, ends: tuple[float, float]
) -> None:
    table = make(60, groups=tuple("abcdef") * 10)
    table = replace(table, sets=table.scores >= table.scores.max(axis=1, keepdims=True) - 0.2)
    value = compute_metrics(table, LibraryMetrics())[metric]
    drawn = bootstrap_metrics(table, draws=1000, seed=0)[metric]
    behind = counts(table)["accuracy" if ends == (0, 2) else metric]

    found = estimate_metrics(table)[metric]

    expected = bootstrap_interval(value, drawn, behind, ends=ends)
    assert (found["low"], found["high"]) == pytest.approx(expected, abs=1e-6)
    assert behind <= 6


def test_metrics_of_one_group_have_no_interval_unless_they_are_0_or_1() -> None:
    for name, figure in estimate_metrics(binary(12, groups=("a",) * 12), draws=50).items():
        assert ("low" in figure) == (figure["value"] in (0, 1)), name


def test_the_interval_of_twenty_patients_holds_the_truth_about_as_often_as_promised() -> None:
    random, held = np.random.default_rng(0), []
    for seed in range(100):
        sick = np.repeat(random.random(20) < 0.4, 10)
        noise = np.repeat(random.normal(size=20), 10) + 0.3 * random.normal(size=200)
        score = norm.cdf(np.where(sick, 1.3, -1.3) + noise)
        both = [np.stack([1 - each, each], axis=1) for each in (sick, score, score >= 0.5)]
        groups = tuple(np.repeat(np.arange(20), 10).astype(str))
        table = scored(("no", "yes"), "binary", *both[:2], both[2] == 1, groups=groups)
        found = estimate_metrics(table, draws=200, seed=seed)
        truth = norm.cdf(1.3 / np.hypot(1, 0.3))
        held += [
            found[name]["low"] <= truth <= found[name]["high"]
            for name in ("sensitivity", "specificity")
        ]
    assert np.mean(held) > 0.9  # by the draws' percentiles 0.85
