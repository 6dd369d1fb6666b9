"""Read tables of labelled pictures."""

import math
import os
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

from diascope.card import Task
from diascope.csv_rows import LABEL_COLUMNS, columns_hint, read_csv_rows, strip_path
from diascope.display_text import format_some, plural
from diascope.errors import TableError

Split = Literal["train", "validation", "test"]
SPLIT_FILE = "split.csv"
"""File in a training's folder that lists the group and split of each picture."""

_MISSING_SHOWN = 5
_ONE_HOT = {"0", "1", "0.0", "1.0", "-1", "-1.0", ""}


@dataclass(frozen=True, slots=True)
class Example:
    """One row: a picture (its name in the table and its path), its labels and its group.

    Attributes:
        unknown: labels marked as unknown for this picture.
        weight: of the row in training.
        columns: the other columns of the row, as text.
        line: number of the row's line in the table.
    """

    name: str
    path: Path
    labels: frozenset[str]
    group: str
    split: Split | None = None
    unknown: frozenset[str] = frozenset()
    weight: float = 1.0
    columns: Mapping[str, str] = field(default_factory=dict)
    line: int = 0

    def vector(self, names: Sequence[str], task: Task) -> list[float]:
        """Return the target: one number per network output, NaN where unknown."""
        if task == "binary":
            return [float(names[1] in self.labels)]
        return [math.nan if name in self.unknown else float(name in self.labels) for name in names]


def read_table(path: Path, task: Task) -> list[Example]:
    """Read a label table.

    Columns: ``path``, relative to the table; ``label``, or ``labels`` separated by ``|``, where
    ``?name`` marks a label as unknown; optionally ``group``, ``split`` and ``weight``. Blank rows
    are skipped.

    Raises:
        TableError: naming the rows, for missing or duplicate columns; missing cells, labels or
            pictures; several labels where one is allowed; or a group in two splits.
    """
    columns, numbered = read_csv_rows(path)
    name = _labels_column(columns, [row for _, row in numbered], path)
    if not numbered:
        raise TableError("has no rows below the names of its columns", where=str(path))
    examples = [_make_example(row, line, name, path, task) for line, row in numbered]
    _check_pictures_exist(examples, path)
    _check_leaks(examples, path)
    return examples


def label_cell(example: Example, names: Sequence[str] = ()) -> str:
    """Return the labels of a row as a table writes them: the unknown ones last.

    Args:
        names: all labels, in the order to write them in; without them, they are sorted.
    """
    order = names or sorted(example.labels | example.unknown)
    known = [name for name in order if name in example.labels]
    return "|".join([*known, *(f"?{name}" for name in order if name in example.unknown)])


def label_names(examples: Sequence[Example], given: Sequence[str], path: Path) -> tuple[str, ...]:
    """Return the labels of the task: those of the recipe, or all labels of the table, sorted.

    Raises:
        TableError: if the table holds a label that the recipe does not name, or, if the recipe
            names none, labels that differ only in case, blanks or Unicode normalisation.
    """
    lines: dict[str, int] = {}
    for example in reversed(examples):  # keeps the first line of each label
        lines |= dict.fromkeys(example.labels | example.unknown, example.line)
    found = sorted(lines)
    unknown = [label for label in found if given and label not in given]
    if unknown:
        listed = ", ".join(f"{label} (line {lines[label]})" for label in unknown)
        raise TableError(
            f"holds labels that the recipe does not name: {listed}",
            where=str(path),
            hint=f"It names {', '.join(given)}; a name in quotes is taken literally. Name the "
            "others under `labels:`, or remove them from their cells, or their rows.",
        )
    if given:
        return tuple(given)
    last = {_normalise_label(name): name for name in found}
    alike = [
        f"{name!r} and {same!r}" for name in found if (same := last[_normalise_label(name)]) != name
    ]
    if alike:
        raise TableError(
            f"holds labels that differ only in case, or look the same: {', '.join(alike)}",
            where=str(path),
            hint="Spell them the same way, or name both under `labels:` if both are meant.",
        )
    return tuple(found)


def _normalise_label(label: str) -> str:
    return " ".join(unicodedata.normalize("NFC", label).casefold().split())


def _labels_column(columns: Sequence[str], rows: Sequence[Mapping[Any, Any]], path: Path) -> str:
    """Return the name of the label column.

    Raises:
        TableError: if it or ``path`` is missing, or a column is ambiguous.
    """
    where = str(path)
    if twice := [name for name, count in Counter(columns).items() if name and count > 1]:
        raise TableError(f"names a column twice: {', '.join(twice)}", where=where)
    found = [name for name in ("label", "labels") if name in columns]
    if len(found) > 1:
        raise TableError("has the columns label and labels; it needs one of them", where=where)
    if "path" in columns and found:
        _check_near_names(columns, where)
        return found[0]
    raise TableError(
        f"needs the columns path and label (or labels), got {', '.join(columns) or 'none'}",
        where=where,
        hint=columns_hint(columns) or _one_hot_hint(columns, rows),
    )


def _one_hot_hint(columns: Sequence[str], rows: Sequence[Mapping[Any, Any]]) -> str:
    """Return how to write columns of 0 and 1, one for each label; or an empty text."""
    names = [name for name in columns if name not in LABEL_COLUMNS]
    cells = {name: {(row.get(name) or "").strip() for row in rows} for name in names}
    ones = [name for name, found in cells.items() if found & {"1", "1.0"} and found <= _ONE_HOT]
    if not ones:
        return ""
    return (
        f"For columns of 0 and 1 ({format_some(ones)}), write one column `labels`: the names of "
        "those with 1 joined by |, ?NAME if unknown, empty if none (docs/training.md: in pandas)."
    )


def _check_near_names(columns: Sequence[str], where: str) -> None:
    """Raise a TableError for a column such as ``Group``, which would silently be ignored, so that
    pictures of one group could be in two splits."""
    for name in columns:
        plain = name.strip().casefold()
        if plain in ("group", "split") and plain not in columns:
            raise TableError(
                f"names the column {name!r}, which is not {plain}",
                where=where,
                hint=f"Write it as {plain}; if it is something else, rename it.",
            )


def _make_example(row: dict[str, str], line: int, column: str, path: Path, task: Task) -> Example:
    where = f"{path}:{line}"
    if None in row:
        raise TableError("the row has more cells than the table has columns", where=where)
    if None in row.values():
        raise TableError("the row has fewer cells than the table has columns", where=where)
    name = strip_path(path.parent, row["path"])
    if not name:
        raise TableError("the path is empty", where=where)
    cells = {part.strip() for part in row[column].split("|") if part.strip()}
    unknown = frozenset(cell[1:].strip() for cell in cells if cell.startswith("?"))
    labels = frozenset(cell for cell in cells if not cell.startswith("?"))
    if "" in unknown:
        raise TableError("? without a label; write ?NAME", where=where)
    if task != "multilabel" and (len(labels) != 1 or unknown):
        raise TableError(f"a {task} task needs one label per row, got {row[column]!r}", where=where)
    if both := labels & unknown:
        raise TableError(f"{', '.join(sorted(both))}: both known and unknown", where=where)
    split = row.get("split") or None
    if split is not None and split not in get_args(Split):
        expected = ", ".join(get_args(Split))
        raise TableError(f"split must be one of {expected}, got {split!r}", where=where)
    return Example(
        name=name,
        path=path.parent / name,
        labels=labels,
        group=(row.get("group") or "").strip() or name,
        split=cast(Split | None, split),
        unknown=unknown,
        weight=_weight(row.get("weight") or "1", where),
        columns={key: cell for key, cell in row.items() if key not in LABEL_COLUMNS},
        line=line,
    )


def _weight(text: str, where: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 0 <= weight < math.inf:
        raise TableError(f"weight must be a number of at least 0, got {text!r}", where=where)
    return weight


def _check_pictures_exist(examples: Sequence[Example], path: Path) -> None:
    # Path.is_file raises if a name is too long, as after a lost quote, or a folder not accessible
    missing = [example for example in examples if not os.path.isfile(example.path)]  # noqa: PTH113
    if missing:
        shown = "; ".join(f"line {gone.line}: {gone.path}" for gone in missing[:_MISSING_SHOWN])
        raise TableError(f"{plural(len(missing), 'picture')} missing: {shown}", where=str(path))


def _check_leaks(examples: Sequence[Example], path: Path) -> None:
    seen: dict[str, Split | None] = {}
    for example in examples:
        split = example.split or "train"  # as in `split_by_group`
        if seen.setdefault(example.group, split) != split:
            raise TableError(
                f"the group {example.group!r} is in {seen[example.group]} and in {split}: "
                "this is data leakage",
                where=f"{path}:{example.line}",
            )
