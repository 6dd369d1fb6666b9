"""Check that the weights a training starts from never learned from its held-out pictures."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from diascope.display_text import format_some, plural
from diascope.errors import TableError
from diascope.evaluation.training_overlap import (
    LEARNED_FILE,
    LEARNED_SPLITS,
    KnownSplits,
    group_of,
    read_known_splits,
    read_split_rows,
)
from diascope.output import write_table
from diascope.table import SPLIT_FILE, Example
from diascope.training.options import TrainOptions

_KNOWN = {"test": LEARNED_SPLITS, "validation": ("train",)}
"""For each split, the other training's splits whose groups it must not contain."""

_TEXTS = {
    SPLIT_FILE: (
        "its training used",
        "Give the table the column `split` of {}, and train no folds.",
    ),
    LEARNED_FILE: (
        "the weights that it started from, or its teachers, learned from",
        "In a column `split`, give the rows listed in {} the split that it names, hold out others, "
        "and train no folds.",
    ),
}
"""For each file beside weights, the beginning of the error, and what to do."""


def source_folders(options: TrainOptions) -> list[Path]:
    """Return the weights folders of diascope that training starts from, and of its teachers.

    The files beside the weights of another project say nothing of their training.
    """
    folders = list(options.teachers)
    if options.start and (folder := options.start.own_folder):
        folders.insert(0, folder)
    return folders


def check_unseen(folder: Path, examples: Sequence[Example]) -> list[str]:
    """Check that weights were not trained on groups or pictures that are held out now.

    The same is checked of the weights that these started from and of their teachers.

    Args:
        folder: of the weights; nothing can be checked if it has no ``split.csv`` of ours.
        examples: each with its split.

    Returns:
        Warnings, if groups or pictures merely have the same names as those of the weights.

    Raises:
        TableError: naming some of the groups, or pictures if their groups have other names.
    """
    return [warning for file in _TEXTS for warning in _check_file(folder, file, examples)]


def _check_file(folder: Path, file: str, examples: Sequence[Example]) -> list[str]:
    path, learned = folder / file, read_known_splits(folder, examples, [file])
    used, remedy = _TEXTS[file]
    for split, known in _KNOWN.items():
        held_out = [one for one in examples if one.split == split]
        if leaked := sorted(
            {_name_seen(one, learned) for one in held_out if learned.split_of(one) in known}
        ):
            raise TableError(
                f"{used} groups that are held out now as {split}: {format_some(leaked)}",
                where=str(path),
                hint=f"{remedy.format(path)} If these are other groups or pictures, rename them in "
                "the table, or give it a column `group`.",
            )
    warnings = [f"{folder}: {doubt}" for doubt in learned.doubt_warnings]
    if same := learned.namesakes([one for one in examples if one.split in _KNOWN]):
        warnings.append(
            f"{plural(len(same), 'held-out picture')} with the name of one that the weights were "
            f"trained on, by {path}, but in another group or folder: if it is the same picture, "
            "the metrics are optimistic"
        )
    return warnings


def write_learned(sources: Iterable[tuple[str, Path]], folder: Path) -> None:
    """Write ``learned-from.csv``, from what is known of the weights that a training uses.

    Args:
        sources: SHA-256 and folder of the weights that the training starts from, and of its
            teachers.
    """
    rows: list[tuple[str, str, str, str]] = []
    for digest, source in sources:
        for file in _TEXTS:
            written, _ = read_split_rows(source / file)
            rows += [
                (row["path"], group_of(row), row["split"], row.get("weights") or digest)
                for row in written
                if row["split"] in LEARNED_SPLITS
            ]
    if rows:
        heading = ("path", "group", "split", "weights")
        write_table(folder / LEARNED_FILE, [heading, *dict.fromkeys(rows)])


def _name_seen(example: Example, learned: KnownSplits) -> str:
    """Return the group of a row if the training had it, else the name of its picture."""
    return example.group if example.group in learned.groups else example.name
