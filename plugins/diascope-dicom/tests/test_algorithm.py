"""The algorithm that the card of a run describes."""

import pytest

from diascope_dicom.algorithm import Algorithm


def labels(*points):
    return [{"name": str(at), "operating_point": point} for at, point in enumerate(points)]


@pytest.mark.parametrize(
    ("task", "points", "thresholds"),
    [
        ("multilabel", (0.2, None), [0.2, 0.5]),
        ("binary", (None, 0.3), [None, 0.3]),
        ("binary", (None, None), [None, 0.5]),
        ("multiclass", (None, None, None), [None, None, None]),
        ("multiclass", (0.2, 0.7, 0.1), [None, None, None]),
    ],
)
def test_thresholds_are_those_of_the_decision_rule(run, task, points, thresholds):
    card = run["card"] | {"task": task, "labels": labels(*points)}
    algorithm = Algorithm.from_run(run | {"card": card})
    found = [algorithm.threshold(label, "probability") for label in algorithm.labels]
    assert found == thresholds


def test_the_threshold_of_a_share_is_one_half_whatever_the_operating_point(run):
    algorithm = Algorithm.from_run(run | {"card": run["card"] | {"labels": labels(0.2, None)}})
    assert [algorithm.threshold(label, "share") for label in algorithm.labels] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("task", "points", "kind", "expected"),
    [
        ("multilabel", (0.2, None), "probability", ""),
        ("binary", (None, 0.3), "probability", ""),
        ("multiclass", (None, None), "softmax", "the label with the highest score"),
        ("multiclass", (0.2, 0.7), "share", "the label with the highest score"),
        (
            "multiclass",
            (0.2, None),
            "softmax",
            "the label whose score is the largest multiple of its operating point (0 0.2, 1 1.0)",
        ),
    ],
)
def test_the_rule_for_comparing_labels_is_stated(run, task, points, kind, expected):
    card = run["card"] | {"task": task, "labels": labels(*points)}
    assert Algorithm.from_run(run | {"card": card}).comparison(kind) == expected


def test_the_software_is_named_with_its_versions(run):
    names = [text.split()[0] for text in Algorithm.from_run(run).software]
    assert names == ["diascope", "diascope-dicom", "highdicom"]
