"""Hold groups out of training, so that a measurement is on people the model never saw."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice

from diascope.errors import TableError
from diascope.training.table import Example, Split


def split_by_group(
    examples: Sequence[Example], *, test: float, validation: float, seed: int
) -> list[Example]:
    """Return the examples, each with its split; a group is never on two sides.

    A table that has a ``split`` column keeps it. Otherwise shares of the groups are held out,
    stratified by label, by scikit-learn's StratifiedGroupKFold.

    Args:
        test, validation: shares of the pictures.

    Raises:
        TableError: if there are too few groups to hold any out.
    """
    if any(example.split for example in examples):
        return [replace(example, split=example.split or "train") for example in examples]
    splits: list[Split] = ["train"] * len(examples)
    remaining = list(range(len(examples)))
    held_out: tuple[tuple[Split, float], ...] = (("test", test), ("validation", validation))
    left = 1.0
    for name, share in held_out:
        if share <= 0:
            continue
        for index in _one_fold([examples[i] for i in remaining], share / left, seed):
            splits[remaining[index]] = name
        remaining = [i for i in remaining if splits[i] == "train"]
        left -= share
    return [replace(example, split=split) for example, split in zip(examples, splits, strict=True)]


def _one_fold(examples: Sequence[Example], share: float, seed: int) -> list[int]:
    from sklearn.model_selection import StratifiedGroupKFold

    taken, folds = 1, max(2, round(1 / share))
    if share > 1 / 3:
        taken, folds = Fraction(share).limit_denominator(10).as_integer_ratio()
    groups = [example.group for example in examples]
    labels = ["|".join(sorted(example.labels)) for example in examples]
    if len(set(groups)) < folds:
        raise TableError(
            f"{len(set(groups))} groups are too few to hold out a share of {share:.2f}",
            hint="Give the table a `split` column, or a larger share.",
        )
    cut = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    try:
        parts = [held for _, held in islice(cut.split(examples, labels, groups), taken)]
    except ValueError as error:  # no label has as many pictures as there are folds
        raise TableError(f"a share of {share:.2f} cannot be held out: {error}") from error
    return [int(index) for held in parts for index in held]
