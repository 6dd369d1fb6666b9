"""Names, numbers and metrics in the words of a reader."""

import pytest

from diascope.card import Label
from diascope.pages.words import label_measures, number_words, title_words, whole_measures

LABELS = (Label("a", title="First"), Label("b_a"), Label("c"))
METRICS = {
    "measured_on": "test: 9 pictures",
    "auc_macro": {"value": 0.9, "low": 0.8, "high": 0.95},
    "auc_a": {"value": 0.7, "low": 0.6, "high": 0.8},
    "auc_b_a": {"value": 0.6, "low": 0.5, "high": 0.7},
    "ppv_a": {"value": 0.5},
    "set_size": {"value": 1.4, "low": 1.3, "high": 1.5},
}


def test_a_metric_of_the_whole_model_is_told_from_that_of_a_label() -> None:
    titles = [measure.title for measure in whole_measures(METRICS, LABELS)]
    assert titles == ["AUC, mean over labels", "Labels in a set"]


def test_the_metrics_of_labels_are_a_table_with_gaps() -> None:
    table = label_measures(METRICS, LABELS)
    values = {label: [cell and cell.value for cell in cells] for label, cells in table.rows.items()}
    assert table.columns == ("AUC", "Positive predictive value")
    assert values == {"First": [0.7, 0.5], "b_a": [0.6, None], "c": [None, None]}


def test_only_what_fits_between_0_and_1_is_drawn() -> None:
    drawn = {measure.title: measure.drawable for measure in whole_measures(METRICS, LABELS)}
    assert drawn == {"AUC, mean over labels": True, "Labels in a set": False}


@pytest.mark.parametrize(
    ("value", "told"), [(7511, "7,511"), (0.123456, "0.1235"), (True, "True"), ("x", "x")]
)
def test_numbers_are_short(value: object, told: str) -> None:
    assert number_words(value) == told


def test_a_key_becomes_words() -> None:
    assert title_words("balanced_accuracy") == "Balanced accuracy"
    assert title_words("npv") == "Negative predictive value"
