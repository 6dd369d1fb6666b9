"""The texts about the way from a logit to a decision."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from diascope.card import Calibration, Label, ModelCard
from diascope.explain.page_scores import Logits, score_rows, score_texts
from diascope.sample import Item, Prediction, ScoreKind

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
LOGITS = Logits(np.array([1.0, -2.0], np.float32), np.array([0.925, -1.85]), mirrored=False)
MIRRORED = replace(LOGITS, mirrored=True)
POINTED = (Label("dark", title="Dark", operating_point=0.7), Label("bright", operating_point=0.05))


def answer(kind: ScoreKind = "probability") -> Prediction:
    scores = {"dark": 0.9996, "bright": 0.0004}
    return Prediction(Item("a", "/a"), scores, kind, ("dark",))


def test_the_step_from_logit_to_score_uses_the_calibration_of_the_label(
    make_card: Callable[..., ModelCard],
) -> None:
    card = make_card(calibration=Calibration("temperature", (0.8, 0.8), (0.125, -0.25)))

    assert (
        score_texts(card, "probability", LOGITS, "bright").step
        == f"logit {TIMES} 0.8 {MINUS} 0.25, then softmax"
    )
    assert (
        score_texts(card, "probability", MIRRORED, "dark").step
        == f"mean logit of 4 mirror images {TIMES} 0.8 + 0.125, then softmax"
    )


def test_the_second_label_of_a_binary_model_has_the_only_output(
    make_card: Callable[..., ModelCard],
) -> None:
    card = make_card(task="binary", calibration=Calibration("platt", (3.552,), (0.0,)))

    assert (
        score_texts(card, "probability", LOGITS, "bright").step
        == f"logit {TIMES} 3.552, then sigmoid"
    )


def test_without_calibration_only_the_function_is_applied(
    make_card: Callable[..., ModelCard],
) -> None:
    texts = score_texts(make_card(), "softmax", LOGITS, "dark")

    assert texts.step == "logit, then softmax"
    assert texts.logit == "before its conversion to a score"


@pytest.mark.parametrize(
    ("task", "rule"),
    [
        ("multiclass", "The label whose score is the largest multiple of its operating point is"),
        ("multilabel", "A label is predicted if its score reaches its operating point"),
        ("binary", "bright is predicted if its score reaches its operating point, otherwise Dark."),
    ],
)
def test_the_decision_rule_depends_on_the_task(
    make_card: Callable[..., ModelCard], task: str, rule: str
) -> None:
    card = make_card(task=task, labels=POINTED)

    assert score_texts(card, "probability", LOGITS, "bright").rule.startswith(rule)


def test_scores_and_operating_points_are_formatted_as_in_the_report(
    make_card: Callable[..., ModelCard],
) -> None:
    rows = score_rows(make_card(labels=POINTED), answer(), LOGITS)

    assert [(row["title"], row["score"], row["point"]) for row in rows] == [
        ("Dark", ">0.999", "0.700"),
        ("bright", "<0.001", "0.050"),
    ]


def test_logits_stand_beside_the_scores_that_come_from_them(
    make_card: Callable[..., ModelCard],
) -> None:
    card = make_card(calibration=Calibration("temperature", (0.8, 0.8), (0.125, -0.25)))
    rows = score_rows(card, answer(), LOGITS)
    plain = score_rows(make_card(), answer("softmax"), LOGITS)

    assert [(row["logit"], row["calibrated"]) for row in rows] == [
        ("1.000", "0.925"),
        (f"{MINUS}2.000", f"{MINUS}1.850"),
    ]
    assert [row["calibrated"] for row in plain] == ["", ""]
    columns = [score_texts(card, "probability", each, "dark").column for each in (MIRRORED, LOGITS)]
    assert columns == ["Mean logit", "Logit"]


def test_only_the_second_label_of_a_binary_model_has_a_logit(
    make_card: Callable[..., ModelCard],
) -> None:
    only = Logits(LOGITS.raw[:1], LOGITS.calibrated[:1], mirrored=False)
    rows = score_rows(make_card(task="binary"), answer("softmax"), only)

    assert [(row["title"], row["logit"]) for row in rows] == [("dark", ""), ("bright", "1.000")]
