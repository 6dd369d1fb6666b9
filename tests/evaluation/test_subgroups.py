"""Subgroups of the items."""

import numpy as np
import pytest

from diascope.errors import UsageError
from diascope.evaluation.evaluate import evaluate
from diascope.evaluation.metrics import estimate_metrics
from diascope.evaluation.subgroups import check_divisible, measure_subgroups, split_into_parts
from tests.evaluation.tables import binary, multilabel

COLUMNS = {
    "sex": ("female", "male", "") * 40,
    "age": ("7", "23.5", "39", "40", "unknown", "") * 20,
}


def test_each_value_is_measured_on_its_own_items() -> None:
    table = binary(columns=COLUMNS)
    parts = measure_subgroups(table, ["sex"], draws=20)
    rows = [place for place in range(120) if COLUMNS["sex"][place] == "male"]
    male = next(part for part in parts if part.value == "male")
    assert [part.value for part in parts] == ["female", "male", "not given"]
    assert male.metrics == estimate_metrics(table.take(rows), draws=20)
    assert sum(part.items for part in parts) == 120


def test_numbers_fall_into_bins_that_include_their_lower_edge() -> None:
    parts = measure_subgroups(binary(columns=COLUMNS), ["age:20"], draws=5)
    assert [(part.value, part.items) for part in parts] == [
        ("0 to below 20", 20),
        ("20 to below 40", 40),
        ("40 to below 60", 20),
        ("unknown", 20),
        ("not given", 20),
    ]


def test_a_small_part_is_marked_and_a_large_one_is_not() -> None:
    few, many = measure_subgroups(
        binary(columns={"site": ("a",) * 20 + ("b",) * 100}), ["site"], draws=5
    )
    assert few.warning == "fewer than 50 items; fewer than 10 groups with or without spotted"
    assert many.warning == ""


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ("sexx", r"no column 'sexx' to divide by\n  Did you mean 'sex'\?"),
        ("sex:20", r"the column 'sex' holds no numbers"),
        ("age:0", r"the width of a bin must be a number above 0"),
        ("age:old", r"the width of a bin must be a number above 0"),
    ],
)
def test_columns_that_cannot_divide_items_are_refused(request_: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_divisible(COLUMNS, [request_])


def test_a_column_that_is_requested_twice_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^by age: the column 'age' is named twice"):
        check_divisible(COLUMNS, ["sex", "age:20", "age"])
    check_divisible(COLUMNS, ["sex", "age:20"])


def test_items_without_a_number_are_a_part_of_their_own_if_all_are() -> None:
    (part,) = measure_subgroups(binary(columns={"age": ("",) * 120}), ["age:20"], draws=5)
    assert (part.value, part.items) == ("not given", 120)


def test_a_label_that_is_known_nowhere_in_a_part_is_not_measured_there() -> None:
    table = multilabel(columns={"source": ("here",) * 60 + ("there",) * 60})
    table.targets[:60, 1] = np.nan
    here, there = measure_subgroups(table, ["source"], draws=5)
    assert "auc_large" not in here.metrics
    assert "sensitivity_large" not in here.metrics
    assert {"auc_round", "auc_macro"} <= set(here.metrics)
    assert "auc_large" in there.metrics


def test_a_subgroup_says_which_labels_its_means_leave_out() -> None:
    table = multilabel(columns={"source": ("here",) * 60 + ("there",) * 60})
    table.targets[:60, 1] = np.nan
    here, there = measure_subgroups(table, ["source"], draws=5)
    assert here.metrics["auc_macro"]["value"] == here.metrics["auc_round"]["value"]
    assert here.warning == (
        "no item has large: metrics that need one are not defined, "
        "and means are over the other labels"
    )
    assert "no item" not in there.warning


def test_a_label_that_no_item_lacks_is_reported_like_one_that_none_has() -> None:
    table = multilabel(columns={"source": ("here",) * 60 + ("there",) * 60})
    table.targets[:60, 1] = np.where(np.isnan(table.targets[:60, 1]), np.nan, 1)
    here, there = measure_subgroups(table, ["source"], draws=5)
    assert here.metrics["auc_macro"]["value"] == here.metrics["auc_round"]["value"]
    means = "metrics that need one are not defined, and means are over the other labels"
    assert here.warning == f"no item lacks large: {means}"
    assert "no item" not in there.warning
    whole = evaluate(table.take(np.arange(60)), draws=5)
    assert f"no item lacks the label large: {means}" in whole.warnings
    assert not any(told.startswith("fewer than") for told in whole.warnings)


@pytest.mark.parametrize(
    ("width", "cells", "expected"),
    [
        (
            "0.1",
            ["0.3", "0.6", "0.70"],
            ["0.3 to below 0.4", "0.6 to below 0.7", "0.7 to below 0.8"],
        ),
        ("0.05", ["0.15", "0.349"], ["0.15 to below 0.2", "0.3 to below 0.35"]),
        ("10", ["20240119", "20240120"], [f"{d}0 to below {d + 1}0" for d in (2024011, 2024012)]),
        ("0.1", ["1e400", "1e999999", "2"], ["1e400", "1e999999", "2 to below 2.1"]),
        ("20", ["-0", "-1", "1e2"], ["0 to below 20", "-20 to below 0", "100 to below 120"]),
    ],
)
def test_a_bin_is_what_its_name_says(width: str, cells: list[str], expected: list[str]) -> None:
    assert split_into_parts({"x": cells}, f"x:{width}") == ("x", expected)


def test_many_items_of_few_groups_are_marked() -> None:
    groups = tuple(str(place // 15) for place in range(120))
    (part,) = measure_subgroups(
        binary(columns={"site": ("a",) * 120}, groups=groups), ["site"], draws=5
    )
    assert part.warning == "fewer than 10 groups with or without spotted"
