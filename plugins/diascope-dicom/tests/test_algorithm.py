"""What a run's card says of the algorithm."""

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
        ("multiclass", (0.2, 0.7, 0.1), [0.2, 0.7, 0.1]),
    ],
)
def test_thresholds_are_those_of_the_rule_of_decision(run, task, points, thresholds):
    card = run["card"] | {"task": task, "labels": labels(*points)}
    algorithm = Algorithm.of(run | {"card": card})
    found = [algorithm.threshold(label, "probability") for label in algorithm.labels]
    assert found == thresholds


def test_a_share_is_decided_on_from_one_half_whatever_the_operating_point(run):
    algorithm = Algorithm.of(run | {"card": run["card"] | {"labels": labels(0.2, None)}})
    assert [algorithm.threshold(label, "share") for label in algorithm.labels] == [0.5, 0.5]


def test_the_software_is_named_with_its_versions(run):
    names = [text.split()[0] for text in Algorithm.of(run).software]
    assert names == ["diascope", "diascope-dicom", "highdicom"]
