"""That what a training learns from never learned from what the training holds out."""

from collections.abc import Sequence
from pathlib import Path

from diascope.errors import TableError
from diascope.evaluation.training_overlap import LEARNED_SPLITS, KnownSplits, read_known_splits
from diascope.pages.formatting import format_some, plural
from diascope.table import SPLIT_FILE, Example

_KNOWN = {"test": LEARNED_SPLITS, "validation": ("train",)}
"""Splits of another training whose groups must not stand in a split of this one."""


def check_unseen(folder: Path, examples: Sequence[Example]) -> list[str]:
    """Check that weights were not trained on groups or pictures that are held out now.

    Args:
        folder: of the weights; nothing is known of them if it holds no ``split.csv`` of ours.
        examples: each with its split.

    Returns:
        Warnings, if groups or pictures are only named as those of the weights.

    Raises:
        TableError: naming some of the groups, or of the pictures whose groups are named otherwise.
    """
    path, learned = folder / SPLIT_FILE, read_known_splits(folder, examples)
    for split, known in _KNOWN.items():
        held = [one for one in examples if one.split == split]
        if seen := sorted(
            {_name_seen(one, learned) for one in held if learned.split_of(one) in known}
        ):
            raise TableError(
                f"its training learned from groups that are held out now as {split}: "
                + format_some(seen),
                where=str(path),
                hint=f"Give the table its column `split`, as {path} has it, and train no folds. "
                "If these groups or pictures are others, name them otherwise in the table.",
            )
    warnings = [learned.doubt] if learned.doubt else []
    if same := learned.namesakes([one for one in examples if one.split in _KNOWN]):
        warnings.append(
            f"{plural(len(same), 'held-out picture')} named as one that the weights learned from, "
            f"by {path}, but of another group: if it is the same, the figures flatter"
        )
    return warnings


def _name_seen(example: Example, learned: KnownSplits) -> str:
    """Return what of a row the training knew: its group, or else its picture."""
    return example.group if example.group in learned.groups else example.name
