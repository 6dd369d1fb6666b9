"""From logits to scores, and from scores to labels."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import expit, softmax

from diascope.card import Label, ModelCard
from diascope.decision import check_thresholds, decide, decide_rows, scores_from_logits
from diascope.errors import RecipeError

Make = Callable[..., ModelCard]
LOGITS = np.random.default_rng(0).normal(0, 3, (5, 3)).astype(np.float32)


def labels(**points: float | None) -> tuple[Label, ...]:
    return tuple(Label(name, operating_point=point) for name, point in points.items())


def test_multiclass_scores_are_the_softmax(make_card: Make) -> None:
    expected = softmax(LOGITS.astype(float), axis=1)

    np.testing.assert_allclose(scores_from_logits(LOGITS, make_card()), expected, rtol=1e-12)


def test_multilabel_scores_are_the_sigmoid(make_card: Make) -> None:
    scores = scores_from_logits(LOGITS, make_card(task="multilabel"))

    np.testing.assert_allclose(scores, expit(LOGITS.astype(float)), rtol=1e-12)


def test_the_only_logit_of_a_binary_task_belongs_to_the_second_label(make_card: Make) -> None:
    scores = scores_from_logits(LOGITS[:, :1], make_card(task="binary"))

    np.testing.assert_allclose(scores[:, 1], expit(LOGITS[:, 0].astype(float)), rtol=1e-12)
    np.testing.assert_allclose(scores.sum(axis=1), 1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("task", ["multiclass", "multilabel"])
def test_huge_logits_give_finite_scores_and_no_warning(make_card: Make, task: str) -> None:
    scores = scores_from_logits(np.array([[1000, -1000]], np.float32), make_card(task=task))

    np.testing.assert_allclose(scores, [[1, 0]], atol=1e-12)


@pytest.mark.parametrize("task", ["multiclass", "multilabel", "binary"])
def test_many_rows_are_decided_as_each_alone(make_card: Make, task: str) -> None:
    card = make_card(task=task, labels=labels(dark=0.2, bright=0.6))
    rows = np.array([[0.1, 0.9], [0.3, 0.7], [0.5, 0.5], [0.9, 0.1], [0.1, 0.1]])
    decided = [decide({"dark": dark, "bright": bright}, card) for dark, bright in rows.tolist()]

    assert [tuple(np.array(card.names)[row]) for row in decide_rows(rows, card)] == decided
    assert len(set(decided)) > 1


def test_multiclass_decides_on_the_highest_score(make_card: Make) -> None:
    assert decide({"dark": 0.4, "bright": 0.6}, make_card()) == ("bright",)


def test_multiclass_decides_on_the_largest_multiple_of_the_operating_point(make_card: Make) -> None:
    card = make_card(labels=labels(dark=0.1, bright=0.5))

    assert decide({"dark": 0.3, "bright": 0.7}, card) == ("dark",)


@pytest.mark.parametrize(
    ("point", "score", "decided"),
    [(None, 0.5, "b"), (None, 0.49, "a"), (0.2, 0.2, "b"), (0.2, 0.19, "a"), (0.0, 0.0, "b")],
)
def test_binary_is_positive_from_the_operating_point_upwards(
    make_card: Make, point: float | None, score: float, decided: str
) -> None:
    card = make_card(task="binary", labels=labels(a=None, b=point))

    assert decide({"a": 1 - score, "b": score}, card) == (decided,)


def test_multilabel_decides_on_each_label_alone(make_card: Make) -> None:
    card = make_card(task="multilabel", labels=labels(a=0.9, b=0.1, c=None))

    assert decide({"a": 0.8, "b": 0.2, "c": 0.5}, card) == ("b", "c")


def test_multilabel_may_decide_on_no_label(make_card: Make) -> None:
    card = make_card(task="multilabel", labels=labels(a=None, b=None))

    assert decide({"a": 0.1, "b": 0.2}, card) == ()


@pytest.mark.parametrize(
    ("task", "conformal", "hint"),
    [
        ("multilabel", {}, "tasks with one label per picture, and its task is multilabel"),
        ("multiclass", {}, "Its card has none: remove run.coverage."),
        ("multiclass", {"0.8": 0.1, "0.95": 0.02}, "It has 0.8, 0.95."),
    ],
)
def test_a_coverage_without_prediction_sets_is_refused_with_the_reason(
    make_card: Make, task: str, conformal: dict[str, float], hint: str
) -> None:
    with pytest.raises(RecipeError, match=r"no prediction sets of coverage 0\.9") as caught:
        check_thresholds(make_card(task=task, conformal=conformal), 0.9)
    assert hint in caught.value.hint
