"""Metrics against scikit-learn, torchmetrics, SciPy and values known by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torchmetrics.functional.classification import (
    binary_sensitivity_at_specificity,
    multiclass_calibration_error,
)

from diascope.evaluation.evaluate import evaluate
from diascope.evaluation.library_metrics import LibraryMetrics
from diascope.evaluation.metrics import (
    compute_metrics,
    estimate_metrics,
    macro_auc,
)
from diascope.evaluation.weighted_metrics import WeightedMetrics, label_aucs
from tests.evaluation.tables import binary, multiclass, multilabel, scored


def test_the_three_decimals_of_pages_are_those_of_the_value() -> None:
    for seed in range(20):
        table = multiclass(95, seed=seed)
        exact = compute_metrics(table, LibraryMetrics())
        for name, figure in estimate_metrics(table, draws=2).items():
            assert f"{figure['value']:.3f}" == f"{exact[name]:.3f}", (seed, name)


def test_areas_under_the_roc_curve_are_those_of_scikit_learn() -> None:
    table = multiclass()
    expected = sk.roc_auc_score(table.targets, table.scores, average=None)
    assert label_aucs(table.targets, table.scores) == pytest.approx(list(expected), abs=1e-12)
    assert macro_auc(table.targets, table.scores) == pytest.approx(expected.mean(), abs=1e-12)


def test_unknown_targets_are_left_out_label_by_label() -> None:
    table = multilabel()
    known = ~np.isnan(table.targets)
    expected = [
        sk.roc_auc_score(
            table.targets[known[:, label], label], table.scores[known[:, label], label]
        )
        for label in (0, 1)
    ]
    assert label_aucs(table.targets, table.scores) == pytest.approx(expected, abs=1e-12)


def test_a_label_that_no_item_has_is_left_out_of_the_mean() -> None:
    targets = np.array([[1.0, 0, 0], [0, 1.0, 0], [1.0, 0, 0]])
    scores = np.array([[0.8, 0.2, 0], [0.3, 0.7, 0], [0.6, 0.4, 0]])
    areas = label_aucs(targets, scores)
    assert areas[:2] == [1.0, 1.0]
    assert np.isnan(areas[2])
    assert macro_auc(targets, scores) == 1.0


def test_multiclass_values_are_those_of_the_libraries() -> None:
    table = multiclass()
    truth, answer = table.targets.argmax(axis=1), table.predicted.argmax(axis=1)
    found = compute_metrics(table, WeightedMetrics(np.ones((1, len(table)))))
    assert found["accuracy"][0] == pytest.approx(sk.accuracy_score(truth, answer))
    assert found["balanced_accuracy"][0] == pytest.approx(sk.balanced_accuracy_score(truth, answer))
    average = sk.average_precision_score(table.targets, table.scores, average=None)
    assert found["average_precision_red"][0] == pytest.approx(average[0])
    assert found["average_precision_macro"][0] == pytest.approx(average.mean())
    assert found["brier"][0] == pytest.approx(
        sum(sk.brier_score_loss(table.targets[:, k], table.scores[:, k]) for k in range(3))
    )


def test_the_calibration_error_is_that_of_torchmetrics() -> None:
    random = np.random.default_rng(4)
    powers = np.exp(random.normal(size=(300, 3)))
    shares = powers / powers.sum(axis=1, keepdims=True)
    truth = random.integers(0, 3, 300)
    table = scored(("a", "b", "c"), "multiclass", np.eye(3)[truth], shares, shares > 0.5)
    expected = multiclass_calibration_error(
        torch.from_numpy(shares), torch.from_numpy(truth), num_classes=3, n_bins=15, norm="l1"
    )
    found = compute_metrics(table, WeightedMetrics(np.ones((1, 300))))["ece"][0]
    assert found == pytest.approx(float(expected), abs=1e-6)


def test_sensitivity_at_a_specificity_is_that_of_torchmetrics() -> None:
    table = binary(301, seed=5)
    expected, _ = binary_sensitivity_at_specificity(
        torch.from_numpy(table.scores[:, 1]), torch.from_numpy(table.targets[:, 1]).long(), 0.8
    )
    found = compute_metrics(table, LibraryMetrics())["sensitivity_at_specificity_80"]
    assert found == pytest.approx(float(expected), abs=1e-6)


def test_the_operating_point_counts_what_was_decided_not_what_scored_highest() -> None:
    truth = np.array([[0.0, 1], [0, 1], [1, 0], [1, 0]])
    scores = np.array([[0.7, 0.3], [0.9, 0.1], [0.8, 0.2], [0.6, 0.4]])
    positive = np.array([True, False, False, True])
    decided = np.stack([~positive, positive], axis=1)
    found = estimate_metrics(scored(("no", "yes"), "binary", truth, scores, decided), draws=10)
    names = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "balanced_accuracy")
    assert [found[name]["value"] for name in names] == [0.5] * 6


def test_sets_are_measured_by_their_coverage_and_size() -> None:
    sets = np.array([[True, False, False], [True, True, False], [True, True, True]] * 40)
    found = estimate_metrics(multiclass(sets=sets, coverage=0.9), draws=10)
    assert found["set_coverage"]["value"] == 1.0
    assert found["set_size"]["value"] == 2.0
    assert (
        estimate_metrics(multiclass(sets=sets[::-1]), draws=10)["set_coverage"]["value"] == 0.666667
    )


def test_the_most_important_metrics_come_first() -> None:
    assert list(estimate_metrics(binary(), draws=5))[:3] == [
        "auc",
        "balanced_accuracy",
        "accuracy",
    ]
    names = list(estimate_metrics(multiclass(), draws=5))
    assert names[:3] == ["auc_macro", "balanced_accuracy", "accuracy"]
    assert names[6:9] == ["auc_red", "auc_green", "auc_blue"]


def test_an_undefined_metric_is_left_out() -> None:
    table = binary()
    negatives = table.take(table.targets[:, 1] == 0)
    found = estimate_metrics(negatives, draws=5)
    assert not {"auc", "sensitivity", "balanced_accuracy", "average_precision"} & set(found)
    assert {"specificity", "accuracy", "brier"} <= set(found)


def test_multilabel_measures_each_labels_calibration() -> None:
    found = estimate_metrics(multilabel(), draws=5)
    mean = (found["ece_round"]["value"] + found["ece_large"]["value"]) / 2
    assert found["ece"]["value"] == pytest.approx(mean, abs=1e-4)
    assert "accuracy" not in found


def test_brier_and_calibration_of_a_label_that_no_item_has_are_in_no_mean() -> None:
    table = multilabel(90)
    some = replace(table, targets=table.targets * [1, 0])  # the second label is never present
    alone = replace(some, targets=np.where([True, False], some.targets, np.nan))
    found, expected = (estimate_metrics(each, draws=50) for each in (some, alone))

    assert found["brier"] == expected["brier"]
    assert found["ece"] == expected["ece"]
    assert found["ece_large"]["value"] > 0.1  # reported, but not part of the mean

    neither = estimate_metrics(replace(table, targets=table.targets * 0), draws=50)
    known = ~np.isnan(table.targets)
    each = [(table.scores[known[:, i], i] ** 2).mean() for i in (0, 1)]
    assert neither["brier"]["value"] == pytest.approx(np.mean(each), abs=1e-6)


def test_average_precision_is_undefined_if_every_item_has_the_label() -> None:
    table = binary()
    positives = table.take(table.targets[:, 1] == 1)
    assert "average_precision" not in estimate_metrics(positives, draws=5)


def test_a_label_not_known_for_all_items_is_a_warning_with_their_number() -> None:
    table = multilabel()
    known = (~np.isnan(table.targets)).sum(axis=0)
    told = f"labels not known for all items are measured on fewer: round of {known[0]}, large of "
    assert f"{told}{known[1]}" in evaluate(table, draws=2).warnings
    assert not any("not known" in each for each in evaluate(multiclass(), draws=2).warnings)
