"""Run a recipe on the pictures of a table, and lay its answers beside the table's labels."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from diascope.card import ModelCard
from diascope.errors import TableError, UsageError
from diascope.evaluation.labelled_scores import Booleans, Scored
from diascope.evaluation.training_overlap import LEARNED_SPLITS, read_known_splits
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
    "learned from: of those, if there are any, the figures flatter"
)


def read_labels(
    table: Path, card: ModelCard, split: str | None, weights: Path | None = None
) -> tuple[list[Example], bool, list[str]]:
    """Return the rows to measure, all or those of a split; whether the table itself says of which
    split rows are; and what a reader should be warned of.

    Args:
        weights: folder of the model's; its ``split.csv`` says which groups and pictures it was
            trained on: which split a row is in, where the table has no column ``split``, and else
            which rows of its test were learned from.

    Raises:
        TableError: for a wrong table, a label that the model does not know, a split without rows.
    """
    examples = read_table(table, card.task)
    _refuse_unknown(examples, card, table)
    if stated := any(example.split for example in examples):  # what has none is trained on
        examples = [replace(example, split=example.split or "train") for example in examples]
        held = [each for each in examples if each.split == "test" and split in (None, "test")]
        warnings = training_row_warnings(held, weights)
    else:
        examples, warnings = _assign_known_splits(examples, weights)
    learned = sum(example.split in LEARNED_SPLITS for example in examples)
    if split is None:
        flatters = (
            f"{learned} of {len(examples)} rows stand in train or validation: if the model was "
            "trained on them, the figures flatter; --split test leaves them out"
        )
        told = [*_duplicate_warnings(examples), *warnings, *([flatters] if learned else ())]
        return examples, stated, told
    chosen = [example for example in examples if example.split == split]
    if not chosen:
        hint = "\n  ".join([*warnings, "Give the table a column `split`, or leave out --split."])
        raise TableError(f"no row has the split {split!r}", where=str(table), hint=hint)
    return chosen, stated, [*_duplicate_warnings(chosen), *warnings]


def training_row_warnings(
    examples: Sequence[Example], weights: Path | None, *, stated: bool = True
) -> list[str]:
    """Return what to warn of rows that a model is measured on: those that it learned from.

    Args:
        stated: whether their table says of which split they are; if not, it is also warned of that
            nothing beside the weights does.
    """
    learned = read_known_splits(weights, examples)
    if not (stated or learned.names):
        return [learned.doubt or _UNKNOWN]
    known = sum(learned.split_of(example) in LEARNED_SPLITS for example in examples)
    warnings = [learned.doubt] if learned.doubt else []
    if known:
        warnings.append(
            f"{known} of {plural(len(examples), 'row')} stand in train or validation in "
            f"{weights}/{SPLIT_FILE}: what is measured of these weights flatters"
        )
    return warnings


def classify(
    pipeline: Pipeline,
    examples: Iterable[Example],
    folder: Path,
    watch: ProgressCallback,
    command: str,
) -> Outcome:
    """Run the pipeline on the pictures; the same call again goes on where it stopped."""
    with lock_folder(folder) as output:
        write_table(output / _LIST, [["path"], *([_uri(example)] for example in examples)])
    request = Request(inputs=(), output=folder, lists=[folder / _LIST], command=command)
    return run(pipeline, request, watch)


def collect_scores(
    pipeline: Pipeline, examples: Sequence[Example], folder: Path
) -> tuple[Scored, dict[str, str], list[str]]:
    """Return answers and truth of what was classified, why the rest was not, row by row, and what
    to warn of: answers that carry a warning are measured as all others.

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
    warned = sum(bool(answer.warnings) for _, answer in answered)
    told = (
        f"{warned} of {plural(len(answered), 'answer')} with a warning, such as that the picture "
        "is unlike those of the training"
    )
    return scored, failed, [told] if warned else []


def columns_of(examples: Sequence[Example]) -> dict[str, tuple[str, ...]]:
    """Return the table's further columns, by name."""
    return {
        name: tuple(example.columns[name] for example in examples) for name in examples[0].columns
    }


def membership_matrix(chosen: Sequence[Sequence[str]], names: Sequence[str]) -> Booleans:
    """Return ``(N, L)``: which of the L labels each of N choices holds."""
    return np.array([[name in labels for name in names] for labels in chosen], np.bool_)


def _assign_known_splits(
    examples: Sequence[Example], weights: Path | None
) -> tuple[list[Example], list[str]]:
    """Return rows with the splits that the model's training had, and how far these are known."""
    learned = read_known_splits(weights, examples)
    if not learned.names:
        return list(examples), [learned.doubt or _UNKNOWN]
    told = f"{weights}/{SPLIT_FILE}"
    placed = [replace(example, split=learned.split_of(example)) for example in examples]
    warnings = [learned.doubt] if learned.doubt else []
    if known := sum(example.split is not None for example in placed):
        warnings.append(
            f"which rows were learned from is told by their groups and paths in {told}, where "
            f"{known} of {plural(len(placed), 'row')} stand"
        )
    elif not learned.doubt:
        warnings.append(
            f"none of the table's groups and paths stands in {told}: of rows that the model "
            "learned from under other names, if there are any, the figures flatter"
        )
    if same := learned.namesakes(examples):
        warnings.append(
            f"{plural(len(same), 'picture')} named as one that the model learned from, by {told}, "
            "but of another group: if it is the same, the figures flatter"
        )
    return placed, warnings


def _to_scored(
    answered: Sequence[tuple[Example, Prediction]], card: ModelCard, coverage: float | None
) -> Scored:
    kind = answered[0][1].score_kind
    if kind == "logit":
        raise UsageError("the model's scores are logits; metrics need scores between 0 and 1")
    examples = [example for example, _ in answered]
    answers = [answer for _, answer in answered]
    sets = [answer.prediction_set for answer in answers]
    promised = None not in sets  # a model may give none, whatever the recipe asks for
    scores = np.array([[answer.scores[name] for name in card.names] for answer in answers])
    wrong = ~((scores >= 0) & (scores <= 1))
    if wrong.any():
        raise UsageError(
            f"{int(wrong.any(axis=1).sum())} of {plural(len(answers), 'answer')} with scores that "
            f"are not between 0 and 1, such as {float(scores[wrong][0])!r}"
        )
    return Scored(
        names=card.names,
        task=card.task,
        items=tuple(example.name for example in examples),
        groups=tuple(example.group for example in examples),
        targets=np.array([_truth(example, card.names) for example in examples]),
        scores=scores,
        predicted=membership_matrix([answer.predicted for answer in answers], card.names),
        score_kind=kind,
        sets=membership_matrix([chosen or () for chosen in sets], card.names) if promised else None,
        coverage=coverage if promised else None,
        columns=columns_of(examples),
    )


def _truth(example: Example, names: Sequence[str]) -> list[float]:
    return [
        math.nan if name in example.unknown else float(name in example.labels) for name in names
    ]


def _uri(example: Example) -> str:
    return str(absolute_path(example.path))


def _duplicate_warnings(examples: Sequence[Example]) -> list[str]:
    rows = Counter(map(_uri, examples))
    repeated = [example for example in examples if rows[_uri(example)] > 1]
    if not repeated:
        return []
    told = f"{len(repeated)} rows share their picture with others; each counts"
    return [f"{told} ({_format_lines(repeated)})"]


def _format_lines(rows: Sequence[Example]) -> str:
    """Return such as ``line 2`` or ``lines 2, 3``."""
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
