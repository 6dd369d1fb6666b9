"""Formatting of names, numbers and metrics."""

import pytest

from diascope.card import Label
from diascope.display_text import plural
from diascope.pages.formatting import format_decimal, format_number, format_score, typeset_number
from diascope.pages.measures import (
    Measure,
    axis_start,
    format_title,
    label_measures,
    measure_lines,
    overall_measures,
)
from diascope.sample import ScoreKind

LABELS = (Label("a", title="First"), Label("b_a"), Label("c"))
METRICS = {
    "measured_on": "test: 9 pictures",
    "auc_macro": {"value": 0.9, "low": 0.8, "high": 0.95},
    "auc_a": {"value": 0.7, "low": 0.6, "high": 0.8},
    "auc_b_a": {"value": 0.6, "low": 0.5, "high": 0.7},
    "ppv_a": {"value": 0.5},
    "set_size": {"value": 1.4, "low": 1.3, "high": 1.5},
}


def test_overall_metrics_are_distinguished_from_those_of_labels() -> None:
    titles = [measure.title for measure in overall_measures(METRICS, LABELS)]
    assert titles == ["AUC, mean over labels", "Labels per prediction set"]


def test_a_label_named_like_the_end_of_a_metric_takes_no_overall_metric() -> None:
    labels = [Label(name) for name in ("accuracy", "80", "size")]
    whole = ("balanced_accuracy", "sensitivity_at_specificity_80", "set_size")
    metrics = {name: {"value": 0.5} for name in (*whole, "auc_accuracy", "auc_80")}

    assert [each.title for each in overall_measures(metrics, labels)] == [
        format_title(name) for name in whole
    ]
    assert label_measures(metrics, labels).columns == ("AUC",)


def test_the_metrics_of_labels_are_a_table_with_gaps() -> None:
    table = label_measures(METRICS, LABELS)
    values = {row.title: [cell and cell.value for cell in row.cells] for row in table.rows}
    assert table.columns == ("AUC", "Positive predictive value")
    assert values == {"First": [0.7, 0.5], "b_a": [0.6, None], "c": [None, None]}


def test_the_table_of_labels_has_counts_only_if_they_are_given() -> None:
    table = label_measures(METRICS, LABELS, {"a": 3, "b_a": 2, "c": 0})
    assert [(row.title, row.code) for row in table.rows] == [("First", "a"), ("b_a", ""), ("c", "")]
    assert [row.count for row in table.rows] == [3, 2, 0]
    assert table.has_counts
    assert not label_measures(METRICS, LABELS).has_counts


def test_an_interval_is_shown_if_there_is_one() -> None:
    assert Measure("AUC", 0.9, 0.8, 0.95).interval_text == "0.800 \N{EN DASH} 0.950"
    assert Measure("AUC", 0.9, None, None).interval_text == ""


def test_the_values_of_measures_are_aligned() -> None:
    long = "Expected calibration error, lower is better"
    lines = measure_lines([Measure("AUC", 0.9, 0.8, 0.95), Measure(long, 0.1, None, None)])
    assert list(lines) == [f"{'AUC':<{len(long)}}  0.900 (0.800 to 0.950)", f"{long}  0.100"]


@pytest.mark.parametrize(("number", "told"), [(0, "0 items"), (1, "1 item"), (1431, "1,431 items")])
def test_one_has_no_plural(number: int, told: str) -> None:
    assert plural(number, "item") == told


def test_only_what_fits_between_0_and_1_is_drawn() -> None:
    drawn = {measure.title: measure.fits(0) for measure in overall_measures(METRICS, LABELS)}
    assert drawn == {"AUC, mean over labels": True, "Labels per prediction set": False}


@pytest.mark.parametrize(("low", "start"), [(0.0, 0), (-0.1, -1), (-1.1, 0)])
def test_an_axis_begins_at_minus_1_if_that_makes_a_measure_fit(low: float, start: int) -> None:
    assert axis_start([Measure("gain", 0.2, low, 0.3), Measure("size", 1.4, None, None)]) == start


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (7511, "7,511"),
        (10**20 + 1, "100,000,000,000,000,000,001"),
        (0.123456, "0.1235"),
        (999.96, "1,000"),
        (31810.4, "31,810"),
        (3e15, "3e15"),
        (-0.0, "0"),
        (True, "True"),
        ("x-y", "x-y"),
    ],
)
def test_numbers_are_short(value: object, told: str) -> None:
    assert format_number(value) == told


def test_a_key_becomes_a_title() -> None:
    assert format_title("balanced_accuracy") == "Balanced accuracy"
    assert format_title("npv") == "Negative predictive value"


def test_pages_write_the_true_minus_and_no_minus_0() -> None:
    below = Measure("Gain", -0.25, -0.3, -0.0001)

    assert (typeset_number("1.0e+00"), typeset_number("3e+12")) == ("1.0e0", "3e12")
    assert format_number(-1.5e-7) == "\N{MINUS SIGN}1.5e\N{MINUS SIGN}7"
    assert (format_decimal(-0.25), format_decimal(-0.0001)) == ("\N{MINUS SIGN}0.250", "0.000")
    assert below.interval_text == "\N{MINUS SIGN}0.300 \N{EN DASH} 0.000"


def test_a_terminal_gets_the_minus_of_ascii() -> None:
    assert "".join(measure_lines([Measure("Gain", -0.25, -0.3, -0.2)])).isascii()


@pytest.mark.parametrize(
    ("score", "kind", "told"),
    [
        (0.0004, "probability", "<0.001"),
        (0.99999, "softmax", ">0.999"),
        (0.0, "sigmoid", "0.000"),
        (1.0, "probability", "1.000"),
        (-0.001, "logit", "0.00"),
        (-2.345, "logit", "\N{MINUS SIGN}2.35"),
    ],
)
def test_a_score_that_is_not_0_or_1_is_not_shown_as_such(
    score: float, kind: ScoreKind, told: str
) -> None:
    assert format_score(score, kind) == told
