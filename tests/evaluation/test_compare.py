"""Two models on the same items."""

from dataclasses import replace

import numpy as np
import pytest

from diascope.errors import UsageError
from diascope.evaluation.bootstrap import bootstrap_interval
from diascope.evaluation.compare import compare
from diascope.evaluation.delong import delong
from diascope.evaluation.metrics import bootstrap_metrics
from tests.evaluation.tables import binary, multiclass


def test_a_better_model_is_better_in_every_metric() -> None:
    found = compare(multiclass(noise=0.5), multiclass(noise=2.5), title="noisy", draws=200)
    assert set(found.labels) == {"red", "green", "blue"}
    assert all(test.low > 0 and test.p < 0.05 for test in found.labels.values())
    assert all(metric["low"] > 0 for metric in found.metrics.values())
    assert list(found.metrics) == ["auc_macro", "balanced_accuracy"]


def test_a_model_does_not_differ_from_itself_and_no_chance_is_stated() -> None:
    found = compare(binary(), binary(), title="same", draws=50)
    assert found.metrics == {name: {"difference": 0.0} for name in ("auc", "balanced_accuracy")}
    assert found.labels["spotted"].plain() == {"difference": 0.0}


def test_only_items_that_both_answered_are_compared_whatever_their_order() -> None:
    one, other = binary(), binary(seed=1)
    shuffled = other.take(np.random.default_rng(0).permutation(len(other))[:90])
    both = np.array([place for place, item in enumerate(one.items) if item in shuffled.items])
    found = compare(one, shuffled, title="fewer", draws=20)
    scores = one.scores[both, 1], other.scores[both, 1]
    expected = delong(one.targets[both, 1], *scores, np.array(one.items)[both].tolist())
    assert found.items == 90
    assert found.labels["spotted"] == pytest.approx(expected)


def test_labels_are_compared_by_name_whatever_their_order() -> None:
    one, other = multiclass(noise=0.5), multiclass(noise=2.5)
    tables = {name: getattr(other, name)[:, ::-1] for name in ("targets", "scores", "predicted")}
    turned = replace(other, names=other.names[::-1], sets=None, **tables)
    found, expected = (compare(one, each, title="", draws=20) for each in (turned, other))
    assert found == expected


def test_models_of_other_labels_are_refused() -> None:
    with pytest.raises(
        UsageError,
        match=r"one model is binary with the labels plain, spotted; the other is multicl",
    ):
        compare(binary(), multiclass(), title="other")


def test_pictures_of_one_person_are_not_independent() -> None:
    alone, other = binary(40), binary(40, seed=1)
    rows = np.repeat(np.arange(40), 6)
    copies = [
        replace(each.take(rows), items=tuple(map(str, range(240)))) for each in (alone, other)
    ]
    (one,) = compare(alone, other, title="other", draws=5).labels.values()
    (many,) = compare(*copies, title="other", draws=5).labels.values()
    assert many == pytest.approx(one)


def test_a_difference_that_no_draw_changes_has_no_interval() -> None:
    right = binary(4)
    right.scores[:] = right.targets
    wrong = replace(right, scores=1 - right.targets)
    found = compare(right, wrong, title="wrong", draws=5)
    assert found.labels["spotted"].plain() == {"difference": 1.0}
    assert found.metrics["auc"] == {"difference": 1.0}


def test_a_difference_between_few_groups_is_students() -> None:
    one, other = (binary(60, seed=seed, groups=tuple("abcdefghij") * 6) for seed in (0, 1))
    drawn, drawn_other = (
        bootstrap_metrics(each, draws=1000, seed=0)["auc"] for each in (one, other)
    )
    found = compare(one, other, title="other").metrics["auc"]
    expected = bootstrap_interval(found["difference"], drawn - drawn_other, 10, ends=(-1, 1))
    assert (found["low"], found["high"]) == pytest.approx(expected)
    alone = replace(one, groups=("one",) * 60), replace(other, groups=("one",) * 60)
    assert compare(*alone, title="other").metrics["auc"] == {"difference": found["difference"]}


def test_a_label_of_too_few_groups_is_left_out() -> None:
    assert compare(binary(3), binary(3), title="few", draws=5).labels == {}


def test_each_row_of_a_picture_is_compared_by_its_own_truth() -> None:
    one, other = (binary(60, seed=seed) for seed in (0, 1))
    rows = np.arange(60) // 2 * 2  # the second row of a picture has other labels
    twice = [replace(each.take(rows), targets=one.targets) for each in (one, other)]
    apart = [replace(each, items=one.items, groups=each.groups) for each in twice]
    found, expected = (compare(*each, title="other", draws=50) for each in (twice, apart))
    assert (one.targets != one.targets[rows]).any()
    assert found.items == 60
    assert found.metrics == expected.metrics
    assert found.labels == expected.labels
