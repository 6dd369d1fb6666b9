"""What was measured of the evidence maps, put into the card that lies beside the weights."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from diascope.card import CARD_FILE, ModelCard, check_digest, file_digest, read_card, write_card
from diascope.errors import OutputError, UsageError, WeightsError
from diascope.evaluation.evidence_cases import MASK, mask_of
from diascope.evaluation.learned import LEARNED
from diascope.pages.words import counted
from diascope.table import Example


def updatable(folder: Path | None, card: ModelCard) -> Path:
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


def card_evidence(
    found: Mapping[str, Any], examples: Sequence[Example], table: Path
) -> dict[str, Any]:
    """Return what the card says of evidence that was measured on rows of a table."""
    named = sum(mask_of(row, table.parent) is not None for row in examples)
    learned = sum(row.split in LEARNED for row in examples)
    groups = len({row.group for row in examples})
    measured_on = (
        f"{counted(len(examples), 'picture')} of {counted(groups, 'group')} of {table.name}"
        + (f", {learned:,} of them in train or validation" if learned else "")
    )
    source = f"{counted(named, 'picture')} that the column {MASK} of {table.name} names"
    return {
        "measured_on": measured_on,
        "masks": source if named else "",
        "table (SHA-256)": file_digest(table),
        **found,
    }


def update_card(folder: Path, card: ModelCard, evidence: Mapping[str, Any]) -> Path:
    """Write the evidence into the card of a folder, whole or not at all; return its path.

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
        write_card(replace(now, evidence=dict(evidence)), folder)
    except OSError as error:
        raise OutputError(
            f"the card cannot be updated: {error.strerror}", where=str(folder / CARD_FILE)
        ) from error
    return folder / CARD_FILE
