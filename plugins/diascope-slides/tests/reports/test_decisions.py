"""Which label is shown for a tile."""

from typing import Any

import numpy as np
import pytest

from diascope.card import Label, ModelCard
from diascope.decision import decide
from diascope_slides.reports.decisions import decide_labels

POINTS = {
    "binary": [(None, None), (None, 0.3)],
    "multiclass": [(None, None, None), (0.2, 0.5, None)],
    "multilabel": [(None, None, None), (0.2, 0.9, None)],
}
CASES = [(task, points) for task, cases in POINTS.items() for points in cases]


def card(task: Any, points: Any) -> ModelCard:
    labels = tuple(Label(f"l{place}", operating_point=point) for place, point in enumerate(points))
    return ModelCard("c", task, labels, (8, 8), "convnet", (0.5,), (0.5,), "softmax")


@pytest.mark.parametrize(("task", "points"), CASES)
def test_the_label_is_one_decided_by_the_rule_of_the_card(task: str, points: Any) -> None:
    known = card(task, points)
    scores = np.random.default_rng(0).random((200, len(points))).astype(np.float32)

    places = decide_labels(scores, {"card": known.plain()})

    for row, place in zip(scores, places, strict=True):
        expected = decide(dict(zip(known.names, row.tolist(), strict=True)), known)
        assert known.names[place] in expected if expected else place == -1


@pytest.mark.parametrize("task", ["binary", "multilabel"])
def test_a_score_equal_to_its_operating_point_is_present(task: str) -> None:
    known = card(task, (None, 0.7))
    scores = np.array([[0.3, 0.7]])

    assert "l1" in decide(dict(zip(known.names, scores[0].tolist(), strict=True)), known)
    assert decide_labels(scores.astype(np.float32), {"card": known.plain()}).tolist() == [1]


def test_no_tiles_give_no_decisions() -> None:
    none = np.empty((0, 3), np.float32)

    assert decide_labels(none, {"card": card("multiclass", (None, None, None)).plain()}).shape == (
        0,
    )
