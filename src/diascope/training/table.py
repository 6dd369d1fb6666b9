"""The table of labelled pictures."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from diascope.card import Task
from diascope.errors import TableError

Split = Literal["train", "validation", "test"]
_MISSING_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Example:
    """One row: a picture (its name in the table and its path), its labels, whom it belongs to."""

    name: str
    path: Path
    labels: frozenset[str]
    group: str
    split: Split | None = None

    def vector(self, names: Sequence[str], task: Task) -> list[float]:
        """Return the target: one number for each output of the network."""
        if task == "binary":
            return [float(names[1] in self.labels)]
        return [float(name in self.labels) for name in names]


def read_table(path: Path, task: Task) -> list[Example]:
    """Read a label table.

    Raises:
        TableError: naming the rows, for missing columns, labels or pictures, more than one label
            where one is allowed, or a group that stands in two splits.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            numbered = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"cannot be read: {error}", where=str(path)) from error
    columns = list(reader.fieldnames or ()) if numbered else []
    name = "labels" if "labels" in columns else "label"
    if "path" not in columns or name not in columns:
        raise TableError(
            f"needs the columns path and label (or labels), got {', '.join(columns) or 'no rows'}",
            where=str(path),
        )
    examples = {line: _example(row, line, name, path, task) for line, row in numbered}
    _refuse_missing(examples, path)
    _refuse_leaks(examples, path)
    return list(examples.values())


def label_names(examples: Sequence[Example], given: Sequence[str], path: Path) -> tuple[str, ...]:
    """Return the labels of the task: as given in the recipe, or all that the table has.

    Raises:
        TableError: if the table holds a label that the recipe does not name.
    """
    found = sorted({label for example in examples for label in example.labels})
    unknown = [label for label in found if given and label not in given]
    if unknown:
        raise TableError(
            f"holds labels that the recipe does not name: {', '.join(unknown)}", where=str(path)
        )
    return tuple(given) or tuple(found)


def _example(row: dict[str, str], line: int, column: str, path: Path, task: Task) -> Example:
    where = f"{path}:{line}"
    if None in row:
        raise TableError("the row has more cells than the table has columns", where=where)
    labels = frozenset(part.strip() for part in (row[column] or "").split("|") if part.strip())
    if not row["path"]:
        raise TableError("the path is empty", where=where)
    if task != "multilabel" and len(labels) != 1:
        raise TableError(f"a {task} task needs one label a row, got {row[column]!r}", where=where)
    split = row.get("split") or None
    if split is not None and split not in get_args(Split):
        expected = ", ".join(get_args(Split))
        raise TableError(f"split must be one of {expected}, got {split!r}", where=where)
    group = row.get("group") or row["path"]
    return Example(row["path"], path.parent / row["path"], labels, group, cast(Split | None, split))


def _refuse_missing(examples: Mapping[int, Example], path: Path) -> None:
    missing = [
        (line, example.path) for line, example in examples.items() if not example.path.is_file()
    ]
    if missing:
        shown = "; ".join(f"line {line}: {gone}" for line, gone in missing[:_MISSING_SHOWN])
        raise TableError(f"{len(missing)} pictures are missing: {shown}", where=str(path))


def _refuse_leaks(examples: Mapping[int, Example], path: Path) -> None:
    seen: dict[str, Split | None] = {}
    for line, example in examples.items():
        split = example.split or "train"  # as `split_by_group` takes it
        if seen.setdefault(example.group, split) != split:
            raise TableError(
                f"the group {example.group!r} stands in {seen[example.group]} and in {split}: "
                "what is learned would leak",
                where=f"{path}:{line}",
            )
