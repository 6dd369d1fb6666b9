"""One answer for each group: the mean scores of its items."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from diascope.card import Label, ModelCard
from diascope.errors import UsageError
from diascope.evaluation.answers import Answers
from diascope.evaluation.group_answers import answer_groups
from diascope.evaluation.plan import EvaluationPlan
from tests.evaluation.tables import multilabel, scored

MakeCard = Callable[..., ModelCard]
NAMES = ("dark", "bright")
SCORES = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
TRUTH = np.array([[0, 1], [0, 1], [1, 0], [0, 1]], np.float64)
GROUPS = ("a", "a", "b", "a")


def test_a_group_has_the_mean_scores_of_its_items_and_the_cards_decision(
    make_card: MakeCard,
) -> None:
    columns = {"sex": ("f", "f", "m", "f"), "view": ("PA", "AP", "AP", "PA")}
    items = scored(NAMES, "multiclass", TRUTH, SCORES, SCORES > 0.5, groups=GROUPS, columns=columns)
    found = answer_groups(items, make_card())

    assert found.items == found.groups == ("a", "b")
    np.testing.assert_allclose(found.scores, [[0.5, 0.5], [0.3, 0.7]])
    np.testing.assert_array_equal(found.targets, [[0, 1], [1, 0]])
    np.testing.assert_array_equal(found.predicted, [[True, False], [False, True]])
    assert found.columns == {"sex": ("f", "m"), "view": ("", "AP")}

    easily = make_card(labels=(Label("dark"), Label("bright", operating_point=0.5)))
    np.testing.assert_array_equal(answer_groups(items, easily).predicted[0], [False, True])


def test_shares_of_frames_are_decided_without_operating_points(make_card: MakeCard) -> None:
    items = scored(NAMES, "multiclass", TRUTH, SCORES, SCORES > 0.5, score_kind="share")
    found = answer_groups(
        items, make_card(labels=(Label("dark"), Label("bright", operating_point=0.01)))
    )

    np.testing.assert_array_equal(found.predicted, SCORES > 0.5)
    assert found.score_kind == "share"


def test_groups_of_one_item_keep_scores_truth_and_unknown_labels(make_card: MakeCard) -> None:
    items = multilabel(40)
    card = make_card(task="multilabel", labels=(Label("round"), Label("large")))
    found = answer_groups(items, card)

    np.testing.assert_array_equal(found.scores, items.scores)
    np.testing.assert_array_equal(found.targets, items.targets)
    np.testing.assert_array_equal(found.predicted, items.predicted)
    assert np.isnan(items.targets).any()


def test_a_label_known_of_one_item_is_that_of_its_group(make_card: MakeCard) -> None:
    truth = np.array([[np.nan, 1], [0, np.nan], [np.nan, np.nan], [0, 1]])
    items = scored(NAMES, "multilabel", truth, SCORES, SCORES > 0.5, groups=GROUPS)
    targets = answer_groups(items, make_card(task="multilabel")).targets

    np.testing.assert_array_equal(targets, [[0, 1], [np.nan, np.nan]])


def test_a_group_whose_items_differ_in_their_label_is_refused_by_name(make_card: MakeCard) -> None:
    groups = ("a", "b", "b", "a")
    items = scored(NAMES, "multiclass", TRUTH, SCORES, SCORES > 0.5, groups=groups)
    with pytest.raises(UsageError, match="--per-group: items of b have different labels"):
        answer_groups(items, make_card())


def test_models_are_compared_on_groups_of_the_items_that_both_answered(make_card: MakeCard) -> None:
    model = SimpleNamespace(instance=SimpleNamespace(card=make_card()))
    pipeline: Any = SimpleNamespace(model=model)
    nothing: Any = None
    plan = EvaluationPlan(
        pipeline=pipeline,
        table=Path("t.csv"),
        split=None,
        by=(),
        per_group=True,
        seed=0,
        rows=nothing,
        other=pipeline,
        warnings=(),
        other_title="other",
        other_warnings=(),
        cases=None,
        card_folder=None,
    )
    items = scored(NAMES, "multiclass", TRUTH, SCORES, SCORES > 0.5, groups=GROUPS)
    ours = Answers(items, [], {"lost.png": "torn"}, [])
    theirs = replace(ours, scored=items.take(np.arange(1, 4)))  # group a is right without the first
    found = plan.evaluate(ours, theirs)

    assert found.comparison is not None
    assert found.comparison.metrics["balanced_accuracy"]["difference"] == 0
    assert found.metrics["accuracy"]["value"] == 0
    assert "1 item (20.0%) without an answer, in no metric" in found.warnings
