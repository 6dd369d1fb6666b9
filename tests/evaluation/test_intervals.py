"""The intervals of metrics."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest, bootstrap

from diascope.evaluation.labelled_scores import LabelledScores
from diascope.evaluation.library_metrics import LibraryMetrics
from diascope.evaluation.metrics import (
    bootstrap_metrics,
    compute_metrics,
    estimate_metrics,
    macro_auc,
)
from diascope.evaluation.weighted_metrics import WeightedMetrics
from tests.evaluation.tables import binary, multiclass, multilabel, scored

TASKS = pytest.mark.parametrize("make", [binary, multiclass, multilabel])


@TASKS
def test_an_item_of_weight_three_counts_as_three_items(make: Callable[..., LabelledScores]) -> None:
    once = make(60, groups=("a", "b") * 30)
    times = np.random.default_rng(1).integers(0, 4, len(once))
    weighted = compute_metrics(once, WeightedMetrics(times[None].astype(np.float64)))
    repeated = compute_metrics(once.take(np.repeat(np.arange(len(once)), times)), LibraryMetrics())
    assert list(weighted) == list(repeated)
    for name, value in repeated.items():
        assert weighted[name][0] == pytest.approx(value, abs=1e-9), name


def test_the_interval_is_that_of_scipys_percentile_bootstrap() -> None:
    table = multiclass(200)
    right = (table.predicted == (table.targets == 1)).all(axis=1).astype(np.float64)
    expected = bootstrap(
        (right,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    found = estimate_metrics(table, draws=4000)["accuracy"]
    assert found["low"] == pytest.approx(expected.low, abs=0.011)
    assert found["high"] == pytest.approx(expected.high, abs=0.011)


def test_draws_are_those_of_a_loop_that_repeats_the_groups_items() -> None:
    table = multiclass(30, groups=tuple("abcdefghij") * 3)
    drawn = bootstrap_metrics(table, draws=20, seed=3)["auc_macro"]
    random = np.random.default_rng(3)
    groups = np.array(table.groups)
    for value in drawn:
        times = dict(zip("abcdefghij", random.multinomial(10, [0.1] * 10), strict=True))
        part = table.take(np.repeat(np.arange(30), [times[name] for name in groups]))
        assert value == pytest.approx(macro_auc(part.targets, part.scores), nan_ok=True)


def test_pictures_of_one_group_do_not_make_the_interval_narrower() -> None:
    alone = multiclass(60)
    copies = alone.take(np.repeat(np.arange(60), 10))
    one, many = (estimate_metrics(table, draws=400)["accuracy"] for table in (alone, copies))
    assert many == pytest.approx(one, abs=0.02)


def test_scores_of_1_and_on_the_edges_of_bins_fall_into_the_same_bin_in_every_draw() -> None:
    scores = np.concatenate([np.ones(50), np.full(50, 0.95), np.tile(np.arange(16) / 15, 5)])
    truth = np.random.default_rng(0).random(len(scores)) < 0.8
    every = np.ones(len(scores), np.bool_)
    value = LibraryMetrics().calibration_error(every, scores, truth)
    drawn = WeightedMetrics(every[None].astype(np.float64)).calibration_error(every, scores, truth)
    assert drawn[0] == pytest.approx(value, abs=1e-6)
    edges = np.array([0.2, 0.2, 0.15, 0.15])  # 0.2 is 3/15, and in single precision less than that
    right = np.array([False, False, True, True])
    value = LibraryMetrics().calibration_error(every[:4], edges, right)
    drawn = WeightedMetrics(np.ones((1, 4))).calibration_error(every[:4], edges, right)
    assert (value, drawn[0]) == pytest.approx((0.525, 0.525))
    truth = np.arange(100) >= 10  # the first bin's scores are 1 and right in 40 of 50
    assert LibraryMetrics().calibration_error(every[:100], scores[:100], truth) == pytest.approx(
        0.075
    )


def test_a_draw_without_one_of_the_labels_has_no_mean() -> None:
    truth = np.eye(3)[[0] * 30 + [1] * 30 + [2] * 4]
    scores = truth.copy()
    scores[60:] = [0.6, 0.4, 0.0]  # the last label is never found
    groups = tuple(map(str, range(60))) + ("one",) * 4
    table = scored(("a", "b", "c"), "multiclass", truth, scores, scores > 0.5, groups=groups)
    found = estimate_metrics(table, draws=300)
    assert found["auc_macro"]["value"] == pytest.approx((1 + 1 + 0.5) / 3, abs=1e-4)
    assert found["auc_macro"]["high"] < 0.9
    drawn = bootstrap_metrics(table, draws=300, seed=0)["balanced_accuracy"]
    assert np.nanmax(drawn) == pytest.approx(2 / 3, abs=1e-4)


def test_a_mean_over_labels_that_few_draws_contain_has_no_interval() -> None:
    truth = np.eye(6)  # 6! of 6^6 draws hold them all: one in 65
    names = tuple(f"label {place}" for place in range(6))
    table = scored(names, "multiclass", truth, truth, truth == 1)
    found = estimate_metrics(table, draws=200)
    assert estimate_metrics(table, draws=2)["auc_macro"] == {"value": 1.0}
    assert found["auc_macro"] == {"value": 1.0}
    assert found["accuracy"]["value"] == 1.0


def test_the_calibration_error_of_calibrated_scores_is_0_within_nearly_every_interval() -> None:
    random, held = np.random.default_rng(3), []
    for seed in range(100):
        scores = random.random(150)
        truth = random.random(150) < scores
        both = [np.stack([1 - each, each], axis=1) for each in (truth, scores, scores >= 0.5)]
        table = scored(("no", "yes"), "binary", both[0], both[1], both[2] == 1)
        found = estimate_metrics(table, draws=200, seed=seed)["ece"]
        assert found["low"] <= found["value"] <= found["high"]
        held.append(found["low"] == 0)
    assert np.mean(held) > 0.9


def test_a_calibration_error_lies_within_its_interval_about_as_often_as_promised() -> None:
    random, held = np.random.default_rng(4), []
    for seed in range(100):
        scores = 0.5 + 0.5 * random.random(400)
        truth = random.random(400) < scores - 0.1  # each bin is wrong by a tenth
        both = [np.stack([1 - each, each], axis=1) for each in (truth, scores, scores >= 0.5)]
        table = scored(("no", "yes"), "binary", both[0], both[1], both[2] == 1)
        found = estimate_metrics(table, draws=200, seed=seed)["ece"]
        held.append(found["low"] <= 0.1 <= found["high"])
    assert np.mean(held) > 0.9


def test_an_interval_holds_its_value_and_ends_where_a_metric_does() -> None:
    wrong = np.array([[1, 0]] * 8 + [[0, 1]] * 2)
    table = scored(("no", "yes"), "binary", wrong * 1.0, np.array([[0.01, 0.99]] * 10), wrong == 1)
    assert estimate_metrics(table, draws=300)["ece"]["high"] == 1
    truth, sure = np.eye(3)[[0] * 2 + [1] * 6], np.eye(3)[[0] * 8]  # of a label that no item has
    brier = estimate_metrics(scored(("a", "b", "c"), "multiclass", truth, sure, sure == 1))["brier"]
    assert brier["low"] < brier["value"] == 1.5 < brier["high"]


@pytest.mark.parametrize("pictures", [1, 3])
def test_a_sensitivity_of_1_in_13_groups_has_the_exact_interval(pictures: int) -> None:
    truth = np.repeat(np.arange(53) < 13, pictures)
    raised = truth | (np.repeat(np.arange(53), pictures) % 10 == 9)
    both = [np.stack([~each, each], axis=1) for each in (truth, raised)]
    groups = tuple(np.repeat(np.arange(53), pictures).astype(str))
    table = scored(("no", "yes"), "binary", both[0] * 1.0, both[1] * 1.0, both[1], groups=groups)
    found = estimate_metrics(table, draws=300)
    exact = [binomtest(count, count).proportion_ci(method="exact").low for count in (13, 36)]
    assert [found[name]["low"] for name in ("sensitivity", "npv")] == pytest.approx(exact, abs=1e-6)
    assert found["sensitivity"]["high"] == found["npv"]["high"] == 1
    balanced = found["balanced_accuracy"]
    assert balanced["low"] < balanced["value"] - (1 - exact[0]) / 2


def test_the_exact_interval_counts_groups_of_different_sizes_as_fewer() -> None:
    truth = np.eye(2)[[1] * 24 + [0] * 9]
    groups = (*["large"] * 20, *"abcdefghijklm")  # the four first of these are positive, too
    table = scored(("no", "yes"), "binary", truth, truth, truth == 1, groups=groups)
    equal = 24**2 / (20**2 + 4)  # Kish's number of groups
    assert estimate_metrics(table, draws=50)["sensitivity"]["low"] == pytest.approx(
        0.025 ** (1 / equal), abs=1e-6
    )


def test_labels_that_are_separated_perfectly_have_no_perfect_interval() -> None:
    truth = np.eye(3)[np.arange(60) % 3]
    found = estimate_metrics(
        scored(("a", "b", "c"), "multiclass", truth, truth, truth == 1), draws=50
    )
    off = 1 - 0.025 ** (1 / 20)
    limits = {"auc_a": 1 - off, "auc_macro": 1 - off / 3**0.5, "accuracy": 0.025 ** (1 / 60)}
    for name, limit in limits.items():
        assert found[name] == pytest.approx({"value": 1, "low": limit, "high": 1}, abs=1e-6)
    assert found["brier"] == pytest.approx(
        {"value": 0, "low": 0, "high": 3 * (1 - limits["accuracy"])}, abs=1e-6
    )


def test_one_perfect_label_does_not_widen_the_interval_of_the_mean_auc() -> None:
    table = multiclass(noise=1.0)
    sure = np.where(table.targets[:, 0] == 1, 1.0, 0.0)
    scores = np.column_stack([sure, table.scores[:, 1:]])
    table = replace(table, scores=scores)

    found = estimate_metrics(table, draws=200)
    drawn = bootstrap_metrics(table, draws=200, seed=0)["auc_macro"]

    assert found["auc_red"]["low"] == pytest.approx(0.025 ** (1 / 40), abs=1e-6)
    bounds = found["auc_macro"]["low"], found["auc_macro"]["high"]
    assert bounds == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=1e-6)


def test_a_value_that_no_draw_changes_has_no_interval() -> None:
    alone = estimate_metrics(multiclass(60, groups=("one",) * 60), draws=20)
    assert not any("low" in figure for figure in alone.values())
    sets = np.ones((120, 3), np.bool_)
    found = estimate_metrics(multiclass(sets=sets, coverage=0.9), draws=20)
    assert found["set_size"] == {"value": 3.0}
    assert found["set_coverage"]["low"] == pytest.approx(0.025 ** (1 / 120), abs=1e-6)


@pytest.mark.parametrize(("task", "each"), [("multiclass", 2), ("binary", 1)])
def test_sure_scores_without_a_mistake_may_still_meet_one(task: str, each: int) -> None:
    truth = np.eye(2)[np.arange(60) % 2]
    scores = np.abs(truth - 0.0003)
    found = estimate_metrics(scored(("a", "b"), task, truth, scores, truth == 1), draws=50)
    unseen = 1 - 0.025 ** (1 / 60)

    assert found["accuracy"]["low"] == pytest.approx(1 - unseen, abs=1e-6)
    assert found["brier"]["high"] == pytest.approx(each * unseen, abs=1e-5)
    assert found["ece"]["high"] == pytest.approx(0.0003 + unseen, abs=1e-5)
