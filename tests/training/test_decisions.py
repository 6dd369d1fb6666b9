"""Decisions fitted on validation pictures hold for other pictures."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from diascope.card import Label, ModelCard
from diascope.decision import prediction_set, scores_from_logits
from diascope.training.decisions import add_decisions
from diascope.training.operating_points import Rule

LABELS = 7
Random = np.random.Generator


def card() -> ModelCard:
    labels = tuple(Label(f"label {place}") for place in range(LABELS))
    numbers: dict[str, Any] = {"size": (8, 8), "mean": (0.5,), "std": (0.5,)}
    return ModelCard("m", "multiclass", labels, backbone="b", score_kind="softmax", **numbers)


def drawn(random: Random, count: int) -> tuple[Any, np.ndarray]:
    """Return pictures whose labels follow their logits, and the logits, which are too sure."""
    true = random.normal(0, 1.5, (count, LABELS))
    labels = [random.choice(LABELS, p=shares) for shares in softmax(true, axis=1)]
    examples = [SimpleNamespace(group=str(place)) for place in range(count)]

    class Pictures(SimpleNamespace):
        def __len__(self) -> int:
            return count

    return Pictures(targets=np.eye(LABELS)[labels], examples=examples), true * 2


def covered(random: Random) -> float:
    """Return how often sets fitted on 70 pictures hold the truth of others."""
    made = add_decisions(card(), Rule(), *drawn(random, 70))
    assert made.calibration is not None
    pictures, logits = drawn(random, 400)
    names = made.names
    sets = [
        prediction_set(dict(zip(names, row, strict=True)), made, 0.9)
        for row in scores_from_logits(logits, made)
    ]
    truth = [names[label] for label in pictures.targets.argmax(axis=1)]
    return float(np.mean([name in held for name, held in zip(truth, sets, strict=True)]))


def test_sets_keep_their_promise_though_the_same_pictures_calibrated_the_scores(
    random: Random,
) -> None:
    assert np.mean([covered(random) for _ in range(60)]) == pytest.approx(0.905, abs=0.01)


@pytest.mark.parametrize(
    ("groups", "kind", "sets"),
    [(1, "softmax", []), (4, "softmax", ["0.8"]), (9, "probability", ["0.8", "0.85", "0.9"])],
)
def test_many_pictures_of_few_patients_promise_little_of_others(
    random: Random, groups: int, kind: str, sets: list[str]
) -> None:
    pictures, logits = drawn(random, 200)
    for place, example in enumerate(pictures.examples):
        example.group = str(place % groups)
    made = add_decisions(card(), Rule(), pictures, logits)

    assert made.score_kind == kind
    assert list(made.conformal) == sets


def test_the_card_says_that_the_decision_between_labels_keeps_a_rule_only_in_part(
    random: Random,
) -> None:
    rule = Rule("sensitivity", 0.9)
    told = add_decisions(card(), rule, *drawn(random, 100)).operating_rule

    words = "sensitivity of at least 0.9 for each label on validation"
    assert told.startswith(f"{words}, each label on its own")
    assert rule.describe("multilabel") == words


@pytest.mark.parametrize("by", ["prevalence", "youden", "sensitivity", "specificity", "cost"])
def test_a_label_that_validation_lacks_gets_the_smallest_point_of_the_others(
    random: Random, by: Any
) -> None:
    pictures, logits = drawn(random, 100)
    pictures.targets = np.eye(LABELS)[np.minimum(pictures.targets.argmax(axis=1), LABELS - 2)]
    points = [
        label.operating_point for label in add_decisions(card(), Rule(by), pictures, logits).labels
    ]

    assert points[-1] == min(point for point in points[:-1] if point is not None)


def test_validation_of_one_label_only_leaves_no_point_to_lend(random: Random) -> None:
    pictures, logits = drawn(random, 100)
    pictures.targets = np.eye(LABELS)[[0] * 100]
    labels = add_decisions(card(), Rule("prevalence"), pictures, logits).labels

    assert [label.operating_point for label in labels] == [None] * LABELS


def test_a_card_promises_nothing_of_a_label_that_the_rule_gave_no_point(random: Random) -> None:
    pictures, logits = drawn(random, 200)
    several, rule = replace(card(), task="multilabel", score_kind="sigmoid"), Rule("youden")
    pictures.targets[:, -1] = 0
    told = add_decisions(several, rule, pictures, logits).operating_rule
    pictures.targets[:] = 0

    assert told == (
        "highest sensitivity plus specificity of each label (Youden); label 6 from 0.5, for want "
        "of pictures with or without it"
    )
    assert add_decisions(several, rule, pictures, logits).operating_rule == ""


@pytest.mark.parametrize(("count", "best"), [(60, ""), (100, " (highest balanced accuracy)")])
def test_the_highest_balanced_accuracy_is_promised_of_calibrated_scores_only(
    random: Random, count: int, best: str
) -> None:
    made = add_decisions(card(), Rule("prevalence"), *drawn(random, count))

    assert made.operating_rule == f"each label's share of the pictures{best}"
