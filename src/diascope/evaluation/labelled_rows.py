"""Choose the rows of a labelled table to measure, and say what makes them optimistic."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from diascope.card import ModelCard
from diascope.display_text import plural
from diascope.errors import TableError
from diascope.evaluation.training_overlap import LEARNED_SPLITS, KnownSplits, read_known_splits
from diascope.local_files import absolute_path
from diascope.table import SPLIT_FILE, Example, read_table

_MAX_LINES = 5
_UNKNOWN = (
    f"neither a column `split` nor a {SPLIT_FILE} beside the weights says which rows the model "
    "was trained on: if there are any, the metrics are optimistic"
)
_LEARNED: dict[str | None, str] = {
    "train": "the model learned from these",
    "validation": "these chose epoch, calibration and decisions",
    None: "the model learned from these, or they chose epoch, calibration and decisions",
}
"""For each measured split, or all rows, why metrics of rows not held out are optimistic."""


@dataclass(frozen=True)
class TableRows:
    """The rows of a table to measure.

    Attributes:
        stated: whether the table states their splits.
        split_source: the names of the files that state the splits of all rows instead; else empty.
    """

    examples: list[Example]
    stated: bool
    warnings: list[str]
    split_source: str = ""


def read_labels(table: Path, card: ModelCard, split: str | None, weights: Path | None) -> TableRows:
    """Return the rows to measure, and warnings about them.

    Args:
        split: return only its rows; None for all rows.
        weights: the model's folder. If the table has no column ``split``, the ``split.csv`` in this
            folder says which split a row is in; otherwise it says which test rows the model was
            trained on.

    Raises:
        TableError: for a wrong table, a label that the model does not know, a split without rows.
    """
    examples, known = read_table(table, card.task), KnownSplits()
    _refuse_unknown(examples, card, table)
    if stated := any(example.split for example in examples):  # rows without a split are trained on
        examples = [replace(example, split=example.split or "train") for example in examples]
        held_out = [each for each in examples if each.split == "test" and split in (None, "test")]
        warnings = training_row_warnings(held_out, weights)
    else:
        known = read_known_splits(weights, examples)
        examples = [replace(example, split=known.split_of(example)) for example in examples]
        warnings = _known_split_warnings(examples, known)
    chosen = examples if split is None else [one for one in examples if one.split == split]
    if not chosen:
        hint = _no_rows_hint(examples, known, weights, stated=stated)
        raise TableError(f"no row has the split {split!r}", where=str(table), hint=hint)
    if learned := sum(example.split in LEARNED_SPLITS for example in chosen):
        if_trained = "if the model was trained on this table, " if stated else ""
        warnings.append(
            f"{learned} of {plural(len(chosen), 'row')} are in {split or 'train or validation'}: "
            f"{if_trained}the metrics are optimistic, since {_LEARNED[split]}; --split test "
            "leaves them out"
        )
    source = "" if stated or any(example.split is None for example in examples) else known.source
    return TableRows(chosen, stated, [*_duplicate_warnings(chosen), *warnings], source)


def training_row_warnings(
    examples: Sequence[Example], weights: Path | None, *, stated: bool = True
) -> list[str]:
    """Return warnings if a model is measured on rows that it was trained on, or may be.

    Args:
        stated: whether the table states the splits. If not, and if nothing beside the weights does,
            this is a warning too.
    """
    splits = read_known_splits(weights, examples)
    if not (stated or splits.names):
        return splits.doubt_warnings or [_UNKNOWN]
    warnings = splits.doubt_warnings
    if learned := sum(splits.split_of(example) in LEARNED_SPLITS for example in examples):
        warnings.append(
            f"{learned} of {plural(len(examples), 'row')} are in train or validation in "
            f"{splits.source}: the metrics of these weights are optimistic"
        )
    return [*warnings, *_namesake_warnings(examples, splits)]


def columns_of(examples: Sequence[Example]) -> dict[str, tuple[str, ...]]:
    """Return the table's further columns, by name."""
    return {
        name: tuple(example.columns[name] for example in examples) for name in examples[0].columns
    }


def uri_of(example: Example) -> str:
    """Return the URI of the Item that a row's picture becomes."""
    return str(absolute_path(example.path))


def _known_split_warnings(examples: Sequence[Example], splits: KnownSplits) -> list[str]:
    """Return warnings unless the model's training tells the split of every row."""
    if not splits.names:
        return splits.doubt_warnings or [_UNKNOWN]
    warnings = splits.doubt_warnings
    known = sum(example.split is not None for example in examples)
    if 0 < known < len(examples):
        warnings.append(
            "rows that the model was trained on are found by their groups and paths in "
            f"{splits.source}: {known} of {plural(len(examples), 'row')}; if it was trained on the "
            "others, the metrics are optimistic"
        )
    elif not known and not splits.doubts:
        warnings.append(
            f"no row is recognised in {splits.source} by its group or, without a group, its path: "
            "if the model was trained on rows under other names, the metrics are optimistic"
        )
    return [*warnings, *_namesake_warnings(examples, splits)]


def _namesake_warnings(examples: Sequence[Example], splits: KnownSplits) -> list[str]:
    """Return a warning if pictures have the names of others that the model was trained on."""
    if not (same := splits.namesakes(examples)):
        return []
    return [
        f"{plural(len(same), 'picture')} with the name of one that the model was trained on, by "
        f"{splits.source}, but in another group or folder: if it is the same picture, the metrics "
        "are optimistic"
    ]


def _no_rows_hint(
    examples: Sequence[Example], splits: KnownSplits, weights: Path | None, *, stated: bool
) -> str:
    """Return why a split has no rows, and what to do."""
    if stated:
        return "No cell of its column `split` says so. Leave out --split to measure all rows."
    where = f" ({weights})" if weights else ""
    if known := sum(example.split is not None for example in examples):
        found = f"By {splits.source}{where}, {known} of {plural(len(examples), 'row')}"
        return f"{found} are in other splits. Leave out --split to measure all rows."
    if same := splits.namesakes(examples):
        return (
            f"{splits.source}{where} lists {plural(len(same), 'picture')} of the table by name, "
            "but in other groups or folders. Give the table a column `group` with the groups of "
            "that file."
        )
    lines = [
        f"It has no column `split`, and no {SPLIT_FILE} beside the weights{where} lists its rows.",
        *(f"({doubt})" for doubt in splits.doubts),
        "Most likely these are not the weights that were trained on it: name the folder of those "
        "with --set model.NAME.weights=FOLDER.",
        "Else give the table a column `split`, or leave out --split.",
    ]
    return "\n  ".join(lines)


def _duplicate_warnings(examples: Sequence[Example]) -> list[str]:
    rows = Counter(map(uri_of, examples))
    repeated = [example for example in examples if rows[uri_of(example)] > 1]
    if not repeated:
        return []
    lines = _format_lines(repeated)
    return [f"{len(repeated)} rows share their picture with others; each counts ({lines})"]


def _format_lines(rows: Sequence[Example]) -> str:
    """Return the rows' line numbers, such as ``line 2`` or ``lines 2, 3``."""
    lines = ", ".join(str(row.line) for row in rows[:_MAX_LINES])
    return f"line{'s' if len(rows) > 1 else ''} {lines}{', ...' if len(rows) > _MAX_LINES else ''}"


def _refuse_unknown(examples: Sequence[Example], card: ModelCard, table: Path) -> None:
    known = set(card.names)
    wrong = [example for example in examples if not example.labels | example.unknown <= known]
    if wrong:
        labels = sorted({name for row in wrong for name in (row.labels | row.unknown) - known})
        raise TableError(
            f"{plural(len(wrong), 'row')} with labels that the model does not know: "
            f"{', '.join(labels)} ({_format_lines(wrong)})",
            where=str(table),
            hint=f"It knows {', '.join(card.names)}.",
        )
