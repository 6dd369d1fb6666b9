"""Run a recipe on the pictures of a table and match its answers with the table's labels."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from diascope.card import ModelCard
from diascope.errors import TableError, UsageError
from diascope.evaluation.labelled_scores import Booleans, LabelledScores
from diascope.evaluation.training_overlap import LEARNED_SPLITS, KnownSplits, read_known_splits
from diascope.inputs import absolute_path
from diascope.ledger import Ledger
from diascope.output import lock_folder, write_table
from diascope.pages.formatting import plural
from diascope.pipeline import Pipeline
from diascope.runner import Outcome, ProgressCallback, Request, run
from diascope.sample import Failed, Prediction
from diascope.table import SPLIT_FILE, Example, read_table

_LIST = "items.csv"
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


def read_labels(
    table: Path, card: ModelCard, split: str | None, weights: Path | None = None
) -> TableRows:
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
    return warnings


def classify(
    pipeline: Pipeline,
    examples: Iterable[Example],
    folder: Path,
    watch: ProgressCallback,
    command: str,
) -> Outcome:
    """Run the pipeline on the pictures; the same call resumes a run that stopped."""
    with lock_folder(folder) as output:
        write_table(output / _LIST, [["path"], *([_uri(example)] for example in examples)])
    request = Request(inputs=(), output=folder, lists=[folder / _LIST], command=command)
    return run(pipeline, request, watch)


def collect_scores(
    pipeline: Pipeline, examples: Sequence[Example], folder: Path
) -> tuple[LabelledScores, dict[str, str], list[str]]:
    """Return the scores and truth of the answered rows, the other rows' reasons, and warnings.

    Answers with a warning are measured like all others.

    Raises:
        UsageError: if nothing was classified, or the scores are not in [0, 1].
    """
    with closing(Ledger(folder / "ledger.sqlite", pipeline.digest())) as ledger:
        records = {record.item.uri: record for record in ledger.records()}
    answered: list[tuple[Example, Prediction]] = []
    failed: dict[str, str] = {}
    for example in examples:
        record = records[_uri(example)]
        if isinstance(record, Prediction):
            answered.append((example, record))
        else:
            again = f" (line {example.line})" if example.name in failed else ""
            stage = f"{record.stage}: " if isinstance(record, Failed) else ""
            failed[f"{example.name}{again}"] = f"{stage}{record.reason}"
    if not answered:
        raise UsageError(f"nothing was classified; the first reason: {next(iter(failed.values()))}")
    scored = _to_scored(answered, pipeline.model.instance.card, pipeline.recipe.run.coverage)
    warnings = []
    if warned := sum(bool(answer.warnings) for _, answer in answered):
        warnings.append(
            f"{warned} of {plural(len(answered), 'answer')} with a warning, such as that the "
            "picture is unlike those of the training"
        )
    return scored, failed, warnings


def columns_of(examples: Sequence[Example]) -> dict[str, tuple[str, ...]]:
    """Return the table's further columns, by name."""
    return {
        name: tuple(example.columns[name] for example in examples) for name in examples[0].columns
    }


def membership_matrix(chosen: Sequence[Sequence[str]], names: Sequence[str]) -> Booleans:
    """Return ``(N, L)``, which of the L labels each of the N choices contains."""
    return np.array([[name in labels for name in names] for labels in chosen], np.bool_)


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
    if same := splits.namesakes(examples):
        warnings.append(
            f"{plural(len(same), 'picture')} with the name of one that the model was trained on, "
            f"by {splits.source}, but in another group or folder: if it is the same picture, the "
            "metrics are optimistic"
        )
    return warnings


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


def _to_scored(
    answered: Sequence[tuple[Example, Prediction]], card: ModelCard, coverage: float | None
) -> LabelledScores:
    kind = answered[0][1].score_kind
    if kind == "logit":
        raise UsageError("the model's scores are logits; metrics need scores between 0 and 1")
    examples = [example for example, _ in answered]
    answers = [answer for _, answer in answered]
    sets = [answer.prediction_set for answer in answers]
    has_sets = None not in sets  # a model may return none even if the recipe sets a coverage
    scores = np.array([[answer.scores[name] for name in card.names] for answer in answers])
    wrong = ~((scores >= 0) & (scores <= 1))
    if wrong.any():
        raise UsageError(
            f"{int(wrong.any(axis=1).sum())} of {plural(len(answers), 'answer')} with scores that "
            f"are not between 0 and 1, such as {float(scores[wrong][0])!r}"
        )
    return LabelledScores(
        names=card.names,
        task=card.task,
        items=tuple(example.name for example in examples),
        groups=tuple(example.group for example in examples),
        targets=np.array([example.vector(card.names, "multilabel") for example in examples]),
        scores=scores,
        predicted=membership_matrix([answer.predicted for answer in answers], card.names),
        score_kind=kind,
        sets=membership_matrix([chosen or () for chosen in sets], card.names) if has_sets else None,
        coverage=coverage if has_sets else None,
        columns=columns_of(examples),
    )


def _uri(example: Example) -> str:
    return str(absolute_path(example.path))


def _duplicate_warnings(examples: Sequence[Example]) -> list[str]:
    rows = Counter(map(_uri, examples))
    repeated = [example for example in examples if rows[_uri(example)] > 1]
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
