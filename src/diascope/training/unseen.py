"""That what a training learns from never learned from what the training holds out."""

from collections.abc import Sequence
from pathlib import Path

from diascope.errors import TableError
from diascope.table import SPLIT_FILE, Example, splits_of

_KNOWN = {"test": ("train", "validation"), "validation": ("train",)}
"""Splits of another training whose groups must not stand in a split of this one."""

_SHOWN = 3


def check_unseen(folder: Path, examples: Sequence[Example]) -> str:
    """Check that weights were not trained on groups that are held out now.

    Args:
        folder: of the weights; nothing is known of them if it holds no ``split.csv`` of ours.
        examples: each with its split.

    Returns:
        A warning, if groups are only named as those of the weights; else an empty text.

    Raises:
        TableError: naming some of the groups.
    """
    path, (splits, doubt) = folder / SPLIT_FILE, splits_of(folder, examples)
    for split, known in _KNOWN.items():
        held = {example.group for example in examples if example.split == split}
        if seen := sorted(group for group in held if splits.get(group) in known):
            more = f" and {len(seen) - _SHOWN} more" if len(seen) > _SHOWN else ""
            raise TableError(
                f"its training learned from groups that are held out now as {split}: "
                f"{', '.join(seen[:_SHOWN])}{more}",
                where=str(path),
                hint=f"Give the table its column `split`, as {path} has it, and train no folds. "
                "If these groups are others, rename them in the table.",
            )
    return doubt
