"""Check that the weights a training starts from never learned from its held-out pictures."""

from collections.abc import Sequence
from pathlib import Path

from diascope.errors import TableError
from diascope.evaluation.training_overlap import LEARNED_SPLITS, KnownSplits, read_known_splits
from diascope.pages.formatting import format_some, plural
from diascope.table import SPLIT_FILE, Example

_KNOWN = {"test": LEARNED_SPLITS, "validation": ("train",)}
"""For each split, the other training's splits whose groups it must not contain."""


def check_unseen(folder: Path, examples: Sequence[Example]) -> list[str]:
    """Check that weights were not trained on groups or pictures that are held out now.

    Args:
        folder: of the weights; nothing can be checked if it has no ``split.csv`` of ours.
        examples: each with its split.

    Returns:
        Warnings, if groups or pictures merely have the same names as those of the weights.

    Raises:
        TableError: naming some of the groups, or pictures if their groups have other names.
    """
    path, learned = folder / SPLIT_FILE, read_known_splits(folder, examples)
    for split, known in _KNOWN.items():
        held_out = [one for one in examples if one.split == split]
        if leaked := sorted(
            {_name_seen(one, learned) for one in held_out if learned.split_of(one) in known}
        ):
            raise TableError(
                f"its training used groups that are held out now as {split}: "
                + format_some(leaked),
                where=str(path),
                hint=f"Give the table the column `split` of {path}, and train no folds. "
                "If these are other groups or pictures, rename them in the table.",
            )
    warnings = [learned.doubt] if learned.doubt else []
    if same := learned.namesakes([one for one in examples if one.split in _KNOWN]):
        warnings.append(
            f"{plural(len(same), 'held-out picture')} with the name of one that the weights were "
            f"trained on, by {path}, but in another group: if it is the same picture, the metrics "
            "are optimistic"
        )
    return warnings


def _name_seen(example: Example, learned: KnownSplits) -> str:
    """Return the group of a row if the training had it, else the name of its picture."""
    return example.group if example.group in learned.groups else example.name
