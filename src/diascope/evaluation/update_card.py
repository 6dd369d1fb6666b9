"""Write measurements into the card beside the weights."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from diascope.card import CARD_FILE, ModelCard, check_digest, file_digest, read_card, write_card
from diascope.contracts import Model
from diascope.display_text import plural
from diascope.errors import OutputError, UsageError, WeightsError
from diascope.evaluation.evaluate import Evaluation
from diascope.evaluation.evidence_cases import MASK, masks_of
from diascope.evaluation.labelled_scores import LabelledScores
from diascope.evaluation.training_overlap import LEARNED_SPLITS, read_known_splits
from diascope.pages.formatting import describe_coverage
from diascope.table import Example


def updatable_folder(folder: Path | None, card: ModelCard) -> Path:
    """Return a model's folder of weights after checking that its card can be written.

    Raises:
        UsageError: if the model has no folder of weights, or that of an installed package.
        WeightsError: if the weights are not those that the card describes.
        OutputError: if the folder cannot be written.
    """
    if folder is None:
        raise UsageError(
            f"{card.name} has no folder of weights whose card could be updated",
            hint="Leave out --update-card.",
        )
    check_digest(card, folder)
    copy = "Copy the folder, and name the copy with --set model.NAME.weights=FOLDER."
    if {"site-packages", "dist-packages"} & set(folder.resolve().parts):
        raise UsageError(
            f"--update-card: the card of {card.name} belongs to an installed package",
            where=str(folder),
            hint=copy,
        )
    if not os.access(folder, os.W_OK):
        raise OutputError(
            "the card cannot be updated: the folder is not writable",
            where=str(folder),
            hint=copy,
        )
    return folder


def refuse_trained(examples: Sequence[Example], folder: Path) -> None:
    """Raise a UsageError if the files beside the weights list any of the rows as trained on.

    Their metrics would say little of new pictures, and readers trust a card's figures. Rows that
    chose the epoch and the decisions may be measured: the card then says that this is optimistic.
    """
    splits = read_known_splits(folder, examples)
    if learned := sum(splits.split_of(example) == "train" for example in examples):
        raise UsageError(
            f"--update-card: the model learned from {learned} of {plural(len(examples), 'row')}, "
            f"by {splits.source}: their metrics do not belong in its card",
            hint="Measure held-out pictures (--split test, or a table without the others), or "
            "leave out --update-card. If these are other pictures, give the table a column `group` "
            "with names of its own.",
        )


def refuse_other_settings(model: Model) -> None:
    """Raise a UsageError if a model's parameters make it answer otherwise than its card describes.

    The figures of a card are those of what the card describes.
    """
    card = model.card
    for name, own in (("aggregate", card.aggregation), ("test_time", card.test_time)):
        if (value := getattr(model, name, "card")) not in ("card", own):
            raise UsageError(
                f"--update-card: the recipe sets {name}: {value}, and the card of {card.name} "
                f"describes {own}",
                hint=f"Leave out --update-card, or {name}.",
            )


def card_metrics(evaluation: Evaluation, rows: str) -> dict[str, Any]:
    """Return the card's ``metrics`` and ``subgroups``, with the warnings of the evaluation.

    Args:
        rows: a description of the pictures that were measured.
    """
    notes = [
        rows,
        "95 % intervals over groups",
        *describe_sets(evaluation.scored),
        *evaluation.warnings,
    ]
    overall = evaluation.overall
    subgroups = {
        f"{part.column}={part.value}": {
            "items": part.items,
            **({"warning": part.warning} if part.warning else {}),
            # of single labels, a card has only the AUC; `metrics.json` has all metrics
            **{k: v for k, v in part.metrics.items() if k.startswith("auc") or k in overall},
        }
        for part in evaluation.subgroups
    }
    metrics = {"measured_on": "; ".join(notes), **evaluation.metrics}
    return {"metrics": metrics, "subgroups": subgroups}


def lost_figures(card: ModelCard, by: Sequence[str], coverage: float | None) -> list[str]:
    """Return which figures of a card new metrics replace without measuring them again.

    Args:
        by: columns of the new subgroups, such as ``age:20``.
        coverage: nominal coverage of the new prediction sets; None without any.
    """
    measured = {column.partition(":")[0] for column in by}
    old = dict.fromkeys(subgroup.partition("=")[0] for subgroup in card.subgroups)
    lost = []
    if columns := [column for column in old if column not in measured]:
        lost.append(
            f"the card loses its subgroups by {', '.join(columns)}: --by measures them again"
        )
    if coverage is None and "set_coverage" in card.metrics:
        lost.append(
            "the card loses the measured coverage of its prediction sets: --set run.coverage=... "
            "measures it again"
        )
    return lost


def describe_sets(scored: LabelledScores) -> list[str]:
    """Return the nominal coverage of the prediction sets as text, in a list; empty without sets."""
    return [] if scored.coverage is None else [describe_coverage(scored.coverage)]


def describe_rows(examples: Sequence[Example], table: Path) -> str:
    """Return which rows of a table were measured, and whether they were trained on, if known."""
    learned = sum(row.split in LEARNED_SPLITS for row in examples)
    groups = len({row.group for row in examples})
    rows = f"{plural(len(examples), 'picture')} of {plural(groups, 'group')} of {table.name}"
    if learned:
        return f"{rows}, {learned:,} of them in train or validation"
    held_out = all(row.split == "test" for row in examples)
    return f"{rows}, held out of training" if held_out else rows


def card_evidence(
    figures: Mapping[str, Any], examples: Sequence[Example], table: Path
) -> dict[str, Any]:
    """Return the card's ``evidence``, measured on rows of a table."""
    named = sum(bool(masks_of(row, table.parent)) for row in examples)
    source = f"{plural(named, 'picture')} that the column {MASK} of {table.name} names"
    evidence = {
        "measured_on": describe_rows(examples, table),
        "masks": source if named else "",
        "table (SHA-256)": file_digest(table),
        **figures,
    }
    return {"evidence": evidence}


def update_card(folder: Path, card: ModelCard, fields: Mapping[str, Any]) -> Path:
    """Replace fields of the card in a folder, atomically; return its path.

    Raises:
        WeightsError: if card or weights are no longer those that were measured.
        OutputError: if the card cannot be written.
    """
    now = read_card(folder)
    if now.digest != card.digest:
        raise WeightsError(
            "the card was not updated: it no longer describes the weights that were measured",
            where=str(folder / CARD_FILE),
        )
    check_digest(now, folder)
    try:
        write_card(replace(now, **fields), folder)
    except OSError as error:
        raise OutputError(
            f"the card cannot be updated: {error.strerror}", where=str(folder / CARD_FILE)
        ) from error
    return folder / CARD_FILE
