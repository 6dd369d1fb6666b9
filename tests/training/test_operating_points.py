"""Operating points by each rule, on scores whose answer can be read off."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from diascope.training.operating_points import Rule
from tests.refusals import refused

SCORES = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
TRUTH = np.array([0.0, 0, 0, 1, 0, 1, 1, 1])


def point(rule: Rule, truth: np.ndarray = TRUTH, scores: np.ndarray = SCORES) -> float | None:
    (found,) = rule.points(truth[:, None], scores[:, None])
    return found


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule("sensitivity", 0.9), 0.35),
        (Rule("sensitivity", 0.7), 0.55),
        (Rule("specificity", 0.9), 0.55),
        (Rule("specificity", 0.7), 0.35),
        (Rule("specificity", 0.1), 0.35),  # a lower point would raise more for nothing
        (Rule("sensitivity", 0.3), 0.55),  # a higher one would miss more for nothing
        (Rule("cost", false_negative=10), 0.35),
        (Rule("cost", false_negative=0.1), 0.55),
        (Rule("prevalence"), 0.5),
        (Rule("highest"), None),
    ],
    ids=str,
)
def test_a_point_lies_between_the_scores_that_the_rule_parts(
    rule: Rule, expected: float | None
) -> None:
    assert point(rule) == pytest.approx(expected)


def test_youden_is_where_scikit_learns_roc_curve_has_it() -> None:
    random = np.random.default_rng(1)
    truth = (random.random(300) < 0.3).astype(float)
    scores = random.normal(truth, 1)
    alarms, hits, thresholds = roc_curve(truth, scores, drop_intermediate=False)
    best = thresholds[np.argmax(hits - alarms)]
    found = point(Rule("youden"), truth, scores)

    assert found is not None
    assert (scores >= found).tolist() == (scores >= best).tolist()


def test_a_promised_sensitivity_is_kept_among_equal_scores() -> None:
    truth, scores = np.array([1.0, 0, 1, 0]), np.array([0.5, 0.5, 0.5, 0.1])
    found = point(Rule("sensitivity", 0.9), truth, scores)

    assert found is not None
    assert np.mean(scores[truth == 1] >= found) == 1


@pytest.mark.parametrize(
    ("truth", "scores", "rule"),
    [
        ([1, 0, 0, 0], [0.5, 0.5, 0.5, 0.5], Rule("cost")),  # 1 missed costs less than 3 raised
        ([1, 0, 0, 0], [1.0, 1.0, 1.0, 1.0], Rule("cost")),
        ([1, 0, 1, 0], [1.0, 1.0, 0.4, 0.2], Rule("specificity", 0.9)),
    ],
    ids=str,
)
def test_a_rule_may_raise_none(truth: list[int], scores: list[float], rule: Rule) -> None:
    found = point(rule, np.array(truth, float), np.array(scores))

    assert found is not None
    assert not (np.array(scores) >= found).any()


def test_a_point_that_raises_none_leaves_room_above_the_highest_score() -> None:
    assert point(Rule("cost"), np.array([1.0, 0, 0, 0]), np.array([0.5] * 4)) == 0.75


def test_a_promised_sensitivity_is_kept_among_scores_near_0() -> None:
    truth, scores = np.array([1.0] * 4 + [0.0] * 4), np.array([1e-9] * 4 + [1e-12] * 4)
    found = point(Rule("sensitivity", 0.9), truth, scores)

    assert found is not None
    assert (scores >= found).tolist() == (truth == 1).tolist()


def test_a_point_between_two_neighbouring_numbers_does_not_reach_the_lower() -> None:
    scores = np.array([np.nextafter(0.5, 1), 0.5])

    assert point(Rule("youden"), np.array([1.0, 0.0]), scores) == scores[0]


def test_a_label_of_one_kind_only_has_no_point_and_unknown_rows_do_not_count() -> None:
    assert point(Rule("youden"), np.ones(8)) is None
    assert point(Rule("prevalence"), np.array([1.0, 0, 0, 0, *[np.nan] * 4])) == 0.25


@pytest.mark.parametrize("wrong", [{"at_least": 1.0}, {"at_least": 0}, {"false_negative": 0}])
def test_rules_that_cannot_be_kept_are_refused(wrong: dict[str, float]) -> None:
    message = refused(Rule, {"by": "sensitivity", **wrong})

    assert message.startswith(f"{next(iter(wrong))} must be a ")
