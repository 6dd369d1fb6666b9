"""The worst wrong answers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from diascope.card import Label, ModelCard, Task
from diascope.decision import decide
from diascope.evaluation.labelled_scores import LabelledScores
from diascope.training.mistakes import Mistake, worst_mistakes

NAMES = ("p", "q", "r", "s")


def mistakes(task: Task, labels: tuple[Label, ...], targets: object, scores: object) -> list[str]:
    """Return each mistake as ``name: truth -> answer score``."""
    found = _mistakes(task, labels, targets, scores)
    return [f"{one.name}: {one.truth} -> {one.answer} {one.score:.2f}" for one in found]


def _mistakes(
    task: Task, labels: tuple[Label, ...], targets: object, scores: object, count: int = 24
) -> list[Mistake]:
    card = ModelCard("m", task, labels, (2, 2), "convnet", (0.5,), (0.5,), "softmax")
    truth, given = np.array(targets, np.float64), np.array(scores, np.float64)
    chosen = [decide(dict(zip(card.names, row, strict=True)), card) for row in given.tolist()]
    predicted = np.array([[name in one for name in card.names] for one in chosen], np.bool_)
    names = NAMES[: len(truth)]
    answers = LabelledScores(card.names, task, names, names, truth, given, predicted, "softmax")
    return worst_mistakes(card, answers, picture, count)


def picture(row: int) -> NDArray[np.float32]:
    return np.full((1, 2, 3), row / 10, np.float32)


LABELS = (Label("a", title="First"), Label("b"), Label("c"))
TARGETS = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
SCORES = [[0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0.9, 0.05, 0.05], [0.2, 0.1, 0.7]]


def test_the_least_score_of_the_truth_comes_first_and_right_answers_not_at_all() -> None:
    assert mistakes("multiclass", LABELS, TARGETS, SCORES) == [
        "r: c -> First 0.90",
        "s: First -> c 0.70",
        "p: First -> b 0.60",
    ]


def test_no_more_are_returned_than_wanted() -> None:
    found = _mistakes("multiclass", LABELS, TARGETS, SCORES, count=2)
    assert [one.name for one in found] == ["r", "s"]


def test_operating_points_decide_what_is_wrong() -> None:
    keen = (Label("a", operating_point=0.1), Label("b"), Label("c"))
    assert mistakes("multiclass", keen, [[1, 0, 0]], [[0.3, 0.6, 0.1]]) == []
    assert mistakes("multiclass", keen, [[0, 1, 0]], [[0.3, 0.6, 0.1]]) == ["p: b -> a 0.30"]


def test_a_binary_answer_carries_its_own_score() -> None:
    found = mistakes("binary", LABELS[:2], [[0, 1], [1, 0]], [[0.75, 0.25], [0.4, 0.6]])
    assert found == ["p: b -> First 0.75", "q: First -> b 0.60"]


def test_a_multilabel_mistake_is_about_its_worst_known_label() -> None:
    targets = [[1, 0, 1], [0, np.nan, 0]]
    scores = [[0.4, 0.9, 0.9], [0.1, 0.99, 0.2]]
    assert mistakes("multilabel", LABELS, targets, scores) == ["p: not b -> b 0.90"]


def test_a_missed_label_is_answered_with_not() -> None:
    assert mistakes("multilabel", LABELS, [[1, 0, 0]], [[0.2, 0.1, 0.1]]) == [
        "p: First -> not First 0.80"
    ]


def test_the_picture_is_rgb_of_one_byte() -> None:
    (worst, *_) = _mistakes("multiclass", LABELS, TARGETS, SCORES)
    assert (worst.pixels.shape, worst.pixels.dtype) == ((2, 3, 3), np.uint8)
    assert worst.pixels.min() == worst.pixels.max() == 51


@pytest.mark.parametrize("task", ["multiclass", "multilabel"])
def test_a_model_without_mistakes_has_none(task: Task) -> None:
    assert mistakes(task, LABELS, np.eye(3), np.eye(3)) == []
