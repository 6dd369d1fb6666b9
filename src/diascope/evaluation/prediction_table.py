"""A table of measured answers beside the labels of the table that they belong to."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from diascope.evaluation.labelled_scores import LabelledScores
from diascope.output import write_table
from diascope.table import Example, label_cell


def write_predictions(
    path: Path,
    column: str,
    parts: Iterable[tuple[Sequence[object], Sequence[Example], LabelledScores]],
) -> None:
    """Write a row for each answer, in the order of the table; labels in the model's order.

    Args:
        column: a further column, such as ``fold``.
        parts: for each picture its value of that column, the pictures, and their answers.
    """
    lines: list[tuple[int, list[object]]] = []
    names: Sequence[str] = ()
    for values, examples, answers in parts:
        names = answers.names
        scores, decided = answers.scores.tolist(), answers.predicted
        for value, example, row, chosen in zip(values, examples, scores, decided, strict=True):
            predicted = "|".join(name for name, one in zip(names, chosen, strict=True) if one)
            truth = label_cell(example, names)
            about = (example.name, example.group, value, truth, predicted)
            lines.append((example.line, [*about, answers.score_kind, *map(repr, row)]))
    heading = ("path", "group", column, "truth", "predicted", "score_kind")
    ordered = (row for _, row in sorted(lines, key=lambda line: line[0]))
    write_table(path, [[*heading, *(f"score.{name}" for name in names)], *ordered])
