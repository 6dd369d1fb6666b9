"""The csv report: a row an answer, and a row for each item without one."""

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


def written(
    directory: Path, *records: Record, coverage: float | None = None, limit: Any = None
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return the rows of both tables."""
    run = RUN | {"card": CARD | {"novelty": limit}, "recipe": {"run": {"coverage": coverage}}}
    answers, failures = CsvReport().write(run, records, directory)
    return rows(Path(answers)), rows(Path(failures))


def test_an_answer_is_a_row_with_its_scores_to_the_last_bit(tmp_path: Path) -> None:
    (row,), failures = written(tmp_path, prediction(bright=0.1 + 0.2, trace=TRACE))

    assert (row, failures) == (PLAIN, [])


def test_an_answer_says_why_not_to_trust_it(tmp_path: Path) -> None:
    doubts = ("unlike the training", "one frame missing")
    ((row,), _) = written(tmp_path, prediction(bright=0.1 + 0.2, trace=TRACE, warnings=doubts))

    assert row == PLAIN | {"warnings": "unlike the training; one frame missing"}


def test_several_labels_and_sets_are_joined_by_bars(tmp_path: Path) -> None:
    both = ("dark", "bright")
    ((row,), _) = written(tmp_path, prediction(predicted=both, prediction_set=both), coverage=0.9)

    assert (row["predicted"], row["prediction_set"]) == ("dark|bright", "dark|bright")


@pytest.mark.parametrize(
    ("coverage", "told", "cells"), [(0.9, None, {"prediction_set": ""}), (None, ("dark",), {})]
)
def test_a_model_that_does_not_heed_the_coverage_shifts_no_cell(
    tmp_path: Path, coverage: float | None, told: tuple[str, ...] | None, cells: dict[str, str]
) -> None:
    answer = prediction(bright=0.1 + 0.2, trace=TRACE, prediction_set=told)
    ((row,), _) = written(tmp_path, answer, coverage=coverage)

    assert row == PLAIN | cells


@pytest.mark.parametrize(
    ("novelty", "told"), [(1.5, ["1.5", "true"]), (0.1, ["0.1", "false"]), (None, ["", ""])]
)
def test_a_card_with_a_limit_has_columns_for_what_lies_beyond_it(
    tmp_path: Path, novelty: float | None, told: list[str]
) -> None:
    ((row,), _) = written(tmp_path, prediction(novelty=novelty), limit={"thresholds": [1, 1]})

    assert [row["novelty"], row["out_of_distribution"]] == told


def test_what_failed_or_was_skipped_has_a_row_with_its_reason(tmp_path: Path) -> None:
    answers, (failed, skipped) = written(tmp_path, FAILED, SKIPPED)

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
