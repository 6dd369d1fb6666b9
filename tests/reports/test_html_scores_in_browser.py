"""Scores and predicted labels in the html report, in Chromium."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from diascope.sample import Prediction, ScoreKind
from tests.reports.pages import CARD, prediction

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]

LINE = "not by the highest score"
FINDINGS: dict[str, Any] = CARD | {
    "task": "multilabel",
    "labels": [{"name": name, "title": "", "operating_point": 0.5} for name in "abcdef"],
}


def scored(scores: dict[str, float], *predicted: str) -> Prediction:
    return replace(prediction(predicted=predicted, evidence=False), scores=scores)


def bars(page: "Page") -> list[str]:
    return page.locator(".card .scores .name").all_inner_texts()


def test_a_predicted_label_without_the_highest_score_is_explained(opened: Open) -> None:
    page = opened([scored({"dark": 0.55, "bright": 0.45}, "bright")])
    page.locator(".card").click()

    assert LINE in page.locator(".card").inner_text()
    assert "the largest multiple of its operating point" in page.locator("#detail").inner_text()


@pytest.mark.parametrize("kind", ["softmax", "share"])
def test_no_note_appears_if_the_highest_score_or_no_operating_point_decides(
    opened: Open, kind: ScoreKind
) -> None:
    lower = {"predicted": ("bright",)} if kind == "share" else {}
    page = opened([prediction("a.png", 0.45, kind=kind, **lower)])

    assert LINE not in page.locator(".card").inner_text()


def test_labels_that_are_predicted_independently_are_not_compared(opened: Open) -> None:
    page = opened([scored({"a": 0.9, "b": 0.6}, "b")], card=FINDINGS)
    page.locator(".card").click()

    assert LINE not in page.locator(".card").inner_text()
    assert "multiple" not in page.locator("#detail").inner_text()
    assert "below" not in page.locator("#detail").inner_text()


def test_a_label_predicted_with_a_low_score_shows_its_operating_point(opened: Open) -> None:
    labels = [{"name": name, "title": "", "operating_point": 0.02} for name in "ab"]
    page = opened([scored({"a": 0.9, "b": 0.03}, "a", "b")], card={**FINDINGS, "labels": labels})
    page.locator(".card").click()

    told = "Predicted with a score below 0.5: b (operating point 0.020)."
    for place in (".card", "#detail"):
        assert told in page.locator(place).inner_text()


def test_a_label_not_predicted_with_a_high_score_shows_its_operating_point(opened: Open) -> None:
    points = {"a": None, "b": 0.8}
    labels = [{"name": name, "title": "", "operating_point": points[name]} for name in points]
    card = {**CARD, "task": "binary", "labels": labels}
    page = opened([scored({"a": 0.3, "b": 0.7}, "a"), scored({"a": 0.1, "b": 0.9}, "b")], card=card)
    page.locator(".card").first.click()

    told = "Not predicted with a score of 0.5 or more: b (operating point 0.800)."
    for place in (".card >> nth=0", "#detail"):
        assert told in page.locator(place).inner_text()
    assert "0.5" not in page.locator(".card").last.inner_text()


def test_a_label_predicted_exactly_at_its_operating_point_has_no_note(
    opened: Open,
) -> None:
    labels = [{"name": name, "title": "", "operating_point": 0.65432149} for name in ("a", "b")]
    page = opened([scored({"a": 0.2, "b": 0.65432149}, "b")], card={**FINDINGS, "labels": labels})

    assert "Not predicted" not in page.locator(".card").inner_text()


def test_every_predicted_label_has_a_bar_and_the_next_highest_fill_up_to_three(
    opened: Open,
) -> None:
    scores = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6, "e": 0.1, "f": 0.2}
    page = opened([scored(scores, "e"), scored(scores, "a", "b", "c", "e")], card=FINDINGS)
    told = [name.split("\n")[0] for name in bars(page)]

    assert told == ["e", "a", "b", "a", "b", "c", "e"]


@pytest.mark.parametrize(("kind", "marks"), [("probability", 1), ("share", 0), ("logit", 0)])
def test_a_score_without_an_applicable_operating_point_has_no_mark(
    opened: Open, kind: ScoreKind, marks: int
) -> None:
    page = opened([prediction("a.png", 0.4, kind=kind)])
    assert page.locator(".card .scores .point").count() == marks


def test_a_wide_or_tall_picture_without_a_map_fits_its_card(opened: Open) -> None:
    wide = prediction(evidence=False, preview=np.zeros((50, 200, 3), np.uint8))
    tall = prediction(evidence=False, preview=np.zeros((200, 50, 3), np.uint8))
    boxes = """panes => panes.map(pane => [pane, pane.querySelector("img")].map(each => {
        const { width, height } = each.getBoundingClientRect();
        return [width, height];
    }))"""
    panes = np.array(opened([wide, tall]).locator(".card .pane").evaluate_all(boxes))

    assert (panes[:, 1] <= panes[:, 0] + 0.5).all()
    assert panes[:, 1, 0] / panes[:, 1, 1] == pytest.approx([4, 0.25], 0.01)


@pytest.mark.parametrize(("scores", "told"), [((0.45, 0.55), 1), ((0.55, 0.45), 0)])
def test_a_decision_outside_of_its_prediction_set_is_explained(
    opened: Open, scores: tuple[float, float], told: int
) -> None:
    bright, dark = scores
    record = scored({"dark": dark, "bright": bright}, "bright")
    page = opened(
        [replace(record, prediction_set=("dark",) if told else ("dark", "bright"))],
        recipe={"run": {"coverage": 0.975}},
    )
    page.locator(".card .open").click()

    note = "Rather bright is not in the set: the set follows the scores, the decision the operating"
    for place in (".card", "#detail"):
        text = page.locator(place).inner_text()
        assert "97.5 % prediction set: Rather dark" in text
        assert text.count(note) == told


@pytest.mark.parametrize(
    ("run", "shown"),
    [
        ({"coverage": 0.9}, ["90 % prediction sets that contain the truth"]),
        ({"coverage": 0.8}, []),
        ({"coverage": None}, []),
    ],
)
def test_figures_of_prediction_sets_are_shown_if_they_are_of_the_runs_coverage(
    opened: Open, run: dict[str, Any], shown: list[str]
) -> None:
    metrics = {
        "measured_on": "test: 9 pictures; sets of 0.9 coverage",
        "auc_macro": {"value": 0.9},
        "set_coverage": {"value": 0.88},
    }
    page = opened([prediction()], card=CARD | {"metrics": metrics}, recipe={"run": run})

    assert page.locator(".metrics tbody th").all_inner_texts() == ["AUC, mean over labels", *shown]
