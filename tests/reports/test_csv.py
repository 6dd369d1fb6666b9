"""The csv report: a row for each prediction, and a row for each item without one."""

from pathlib import Path
from typing import Any

import pytest

from diascope.reports.csv import CsvReport
from diascope.sample import Record
from tests.reports.pages import CARD, FAILED, RUN, SKIPPED, prediction
from tests.runs import rows

PLAIN = {
    "item": "a.png",
    "predicted": "dark",
    "score_kind": "softmax",
    "score.dark": repr(1 - (0.1 + 0.2)),
    "score.bright": repr(0.1 + 0.2),
    "warnings": "",
    "trace": "read; spacing assumed",
}
TRACE = ("read", "spacing assumed")


def write_and_read(
    directory: Path, *records: Record, coverage: float | None = None, limit: Any = None
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return the rows of both tables."""
    run = RUN | {"card": CARD | {"novelty": limit}, "recipe": {"run": {"coverage": coverage}}}
    answers, failures = CsvReport().write(run, records, directory)
    return rows(Path(answers)), rows(Path(failures))


def test_a_prediction_is_a_row_with_exact_scores(tmp_path: Path) -> None:
    (row,), failures = write_and_read(tmp_path, prediction(bright=0.1 + 0.2, trace=TRACE))

    assert (row, failures) == (PLAIN, [])


def test_a_prediction_has_its_warnings(tmp_path: Path) -> None:
    doubts = ("unlike the training", "one frame missing")
    ((row,), _) = write_and_read(
        tmp_path, prediction(bright=0.1 + 0.2, trace=TRACE, warnings=doubts)
    )

    assert row == PLAIN | {"warnings": "unlike the training; one frame missing"}


def test_several_labels_and_sets_are_joined_by_bars(tmp_path: Path) -> None:
    both = ("dark", "bright")
    ((row,), _) = write_and_read(
        tmp_path, prediction(predicted=both, prediction_set=both), coverage=0.9
    )

    assert (row["predicted"], row["prediction_set"]) == ("dark|bright", "dark|bright")


@pytest.mark.parametrize(
    ("coverage", "told", "cells"), [(0.9, None, {"prediction_set": ""}), (None, ("dark",), {})]
)
def test_a_model_without_prediction_sets_shifts_no_cell(
    tmp_path: Path, coverage: float | None, told: tuple[str, ...] | None, cells: dict[str, str]
) -> None:
    answer = prediction(bright=0.1 + 0.2, trace=TRACE, prediction_set=told)
    ((row,), _) = write_and_read(tmp_path, answer, coverage=coverage)

    assert row == PLAIN | cells


@pytest.mark.parametrize(
    ("novelty", "told"), [(1.5, ["1.5", "true"]), (0.1, ["0.1", "false"]), (None, ["", ""])]
)
def test_a_card_with_a_novelty_limit_adds_the_novelty_columns(
    tmp_path: Path, novelty: float | None, told: list[str]
) -> None:
    ((row,), _) = write_and_read(
        tmp_path, prediction(novelty=novelty), limit={"thresholds": [1, 1]}
    )

    assert [row["novelty"], row["out_of_distribution"]] == told


def test_failed_and_skipped_items_have_rows_with_their_reasons(tmp_path: Path) -> None:
    answers, (failed, skipped) = write_and_read(tmp_path, FAILED, SKIPPED)

    assert answers == []
    assert list(failed.values()) == [
        "broken.png",
        "failed",
        "read",
        "image",
        "the file is truncated",
    ]
    assert list(skipped.values()) == [
        "notes.txt",
        "skipped",
        "",
        "",
        "no reader knows this content",
    ]
