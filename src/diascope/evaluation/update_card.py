"""What was measured, put into the card that lies beside the weights."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from diascope.card import CARD_FILE, ModelCard, check_digest, file_digest, read_card, write_card
from diascope.errors import OutputError, UsageError, WeightsError
from diascope.evaluation.evaluate import Evaluation
from diascope.evaluation.evidence_cases import MASK, mask_of
from diascope.evaluation.labelled_scores import Scored
from diascope.evaluation.training_overlap import LEARNED_SPLITS
from diascope.pages.formatting import plural
from diascope.table import Example


def updatable_folder(folder: Path | None, card: ModelCard) -> Path:
    """Return a model's folder of weights, whose card can be written.

    Raises:
        UsageError: if the model has no such folder.
        WeightsError: if the weights are not those that the card describes.
        OutputError: if the folder cannot be written.
    """
    if folder is None:
        raise UsageError(
            f"{card.name} has no folder of weights whose card could be updated",
            hint="Leave out --update-card.",
        )
    check_digest(card, folder)
    if not os.access(folder, os.W_OK):
        raise OutputError(
            "the card cannot be updated: the folder is not writable",
            where=str(folder),
            hint="Copy the folder, and name the copy with --set model.NAME.weights=FOLDER.",
        )
    return folder


def card_metrics(evaluation: Evaluation, whom: str) -> dict[str, Any]:
    """Return the card's fields of metrics and subgroups; they say what the evaluation warns of.

    Args:
        whom: which pictures, in words.
    """
    told = [
        whom,
        "95 % bootstrap over groups",
        *describe_sets(evaluation.scored),
        *evaluation.warnings,
    ]
    overall = evaluation.overall
    subgroups = {
        f"{part.column}={part.value}": {
            "items": part.items,
            **({"warning": part.warning} if part.warning else {}),
            # `metrics.json` has all of them; of single labels a card states the AUC only
            **{k: v for k, v in part.metrics.items() if k.startswith("auc") or k in overall},
        }
        for part in evaluation.subgroups
    }
    metrics = {"measured_on": "; ".join(told), **evaluation.metrics}
    return {"metrics": metrics, "subgroups": subgroups}


def describe_sets(scored: Scored) -> list[str]:
    """Return what the prediction sets promise, if there are any: their metrics are of that."""
    return [] if scored.coverage is None else [f"sets of {scored.coverage:g} coverage"]


def describe_rows(examples: Sequence[Example], table: Path) -> str:
    """Return which rows of a table were measured, and whether they were learned from, if known."""
    learned = sum(row.split in LEARNED_SPLITS for row in examples)
    groups = len({row.group for row in examples})
    whom = f"{plural(len(examples), 'picture')} of {plural(groups, 'group')} of {table.name}"
    if learned:
        return f"{whom}, {learned:,} of them in train or validation"
    held_out = all(row.split == "test" for row in examples)
    return f"{whom}, held out of training" if held_out else whom


def card_evidence(
    found: Mapping[str, Any], examples: Sequence[Example], table: Path
) -> dict[str, Any]:
    """Return the card's fields of evidence that was measured on rows of a table."""
    named = sum(mask_of(row, table.parent) is not None for row in examples)
    source = f"{plural(named, 'picture')} that the column {MASK} of {table.name} names"
    evidence = {
        "measured_on": describe_rows(examples, table),
        "masks": source if named else "",
        "table (SHA-256)": file_digest(table),
        **found,
    }
    return {"evidence": evidence}


def update_card(folder: Path, card: ModelCard, told: Mapping[str, Any]) -> Path:
    """Write fields into the card of a folder, whole or not at all; return its path.

    Raises:
        WeightsError: if card or weights are no longer those that were measured.
        OutputError: if the card cannot be written.
    """
    now = read_card(folder)
    if now.digest != card.digest:
        raise WeightsError(
            "the card was not updated: it is no longer that of the weights that were measured",
            where=str(folder / CARD_FILE),
        )
    check_digest(now, folder)
    try:
        write_card(replace(now, **told), folder)
    except OSError as error:
        raise OutputError(
            f"the card cannot be updated: {error.strerror}", where=str(folder / CARD_FILE)
        ) from error
    return folder / CARD_FILE
