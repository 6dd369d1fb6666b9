"""What held-out pictures say of a model."""

import math

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from diascope.training.metrics import label_aucs, macro_auc, measured

NAMES = ("a", "b", "c")


def data(n: int = 240, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return one-hot targets and scores that are better than chance, each ``(n, 3)``."""
    random = np.random.default_rng(seed)
    targets = np.eye(3)[random.integers(0, 3, n)]
    powers = np.exp(random.normal(size=(n, 3)) + 1.2 * targets)
    return targets, powers / powers.sum(axis=1, keepdims=True)


def groups(n: int, of: int) -> list[str]:
    return [f"p{i % of}" for i in range(n)]


def test_each_labels_area_is_that_of_scikit_learn() -> None:
    targets, scores = data()
    expected = [roc_auc_score(targets[:, i], scores[:, i]) for i in range(3)]

    assert label_aucs(targets, scores) == pytest.approx(expected)


def test_the_macro_area_is_that_of_scikit_learn() -> None:
    targets, scores = data()
    expected = roc_auc_score(targets, scores, average="macro")

    assert macro_auc(targets, scores) == pytest.approx(expected)


def test_a_label_with_one_kind_of_example_is_left_out() -> None:
    targets = np.array([[1.0, 1.0], [0.0, 1.0]])
    scores = np.array([[0.9, 0.1], [0.2, 0.3]])

    assert math.isnan(label_aucs(targets, scores)[1])
    assert macro_auc(targets, scores) == 1


def test_no_label_that_can_be_measured_gives_nan() -> None:
    assert math.isnan(macro_auc(np.ones((3, 2)), np.ones((3, 2))))


def test_multiclass_is_measured_by_areas_and_accuracies() -> None:
    targets, scores = data()
    found = measured(targets, scores, groups(240, 240), NAMES, "multiclass", draws=20)
    truth, answer = targets.argmax(1), scores.argmax(1)

    assert set(found) == {"auc_macro", "auc_a", "auc_b", "auc_c", "accuracy", "balanced_accuracy"}
    assert found["accuracy"]["value"] == pytest.approx((truth == answer).mean(), abs=1e-4)
    expected = balanced_accuracy_score(truth, answer)
    assert found["balanced_accuracy"]["value"] == pytest.approx(expected, abs=1e-4)


def test_multilabel_is_measured_by_areas_alone() -> None:
    found = measured(*data(), groups(240, 240), NAMES, "multilabel", draws=20)

    assert set(found) == {"auc_macro", "auc_a", "auc_b", "auc_c"}


def test_binary_is_measured_by_the_area_of_the_positive_label() -> None:
    targets, scores = data()
    found = measured(targets[:, :2], scores[:, :2], groups(240, 240), NAMES[:2], "binary", draws=20)

    assert set(found) == {"auc", "accuracy", "balanced_accuracy"}
    expected = roc_auc_score(targets[:, 1], scores[:, 1])
    assert found["auc"]["value"] == pytest.approx(expected, abs=1e-4)


def test_every_interval_holds_its_value() -> None:
    found = measured(*data(), groups(240, 80), NAMES, "multiclass", draws=50)

    assert all(m["low"] < m["value"] < m["high"] for m in found.values())


def test_fewer_groups_give_a_wider_interval() -> None:
    targets, scores = data(60)
    few = np.repeat(targets, 4, axis=0), np.repeat(scores, 4, axis=0)
    together = [f"p{i // 4}" for i in range(240)]
    widths = [
        measured(*few, by, NAMES, "multiclass", draws=60)["accuracy"]
        for by in (together, groups(240, 240))
    ]

    assert widths[0]["value"] == widths[1]["value"]
    apart = [m["high"] - m["low"] for m in widths]
    assert apart[0] > 1.4 * apart[1]


def test_the_same_seed_gives_the_same_interval() -> None:
    first, again, other = (
        measured(*data(), groups(240, 80), NAMES, "multiclass", draws=30, seed=seed)
        for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


def test_a_metric_that_is_not_defined_is_left_out() -> None:
    targets, scores = data()
    targets = np.eye(3)[np.zeros(240, int)]
    found = measured(targets, scores, groups(240, 80), NAMES, "multiclass", draws=20)

    assert "auc_macro" not in found
    assert "accuracy" in found
