"""The table of answers beside the truth."""

import csv
from pathlib import Path

from diascope.evaluation.prediction_table import write_predictions
from diascope.table import Example
from tests.evaluation.tables import multilabel


def test_truth_and_decision_have_their_labels_in_the_same_order(tmp_path: Path) -> None:
    answers = multilabel(8)
    names = answers.names
    examples = [
        Example(
            name=name,
            path=tmp_path / name,
            labels=frozenset(label for label, one in zip(names, row, strict=True) if one),
            group=group,
            line=line,
        )
        for line, (name, group, row) in enumerate(
            zip(answers.items, answers.groups, answers.predicted, strict=True), 2
        )
    ]
    write_predictions(tmp_path / "answers.csv", "split", [([""] * 8, examples, answers)])
    with (tmp_path / "answers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert list(names) != sorted(names)
    assert any("|" in row["truth"] for row in rows)
    assert [row["truth"] for row in rows] == [row["predicted"] for row in rows]


def test_unknown_labels_come_last(tmp_path: Path) -> None:
    answers = multilabel(1)
    example = Example("0.png", tmp_path, frozenset({"large"}), "0", unknown=frozenset({"round"}))
    write_predictions(tmp_path / "answers.csv", "split", [([""], [example], answers)])
    with (tmp_path / "answers.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)

    assert row["truth"] == "large|?round"
