"""Hold out whole groups, so that metrics are measured on groups the model never saw."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from diascope.errors import TableError
from diascope.table import Example, Split

_TOLERANCE = 0.2


def split_by_group(
    examples: Sequence[Example], *, test: float, validation: float, seed: int
) -> list[Example]:
    """Return the examples, each with its split; no group is in two splits.

    A ``split`` column of the table is kept; empty cells mean ``train``. If it has no
    ``validation``, that fraction of train is held out. Without the column, the given fractions of
    the pictures are. Whole groups are held out, stratified by label, with scikit-learn's
    StratifiedGroupKFold.

    Raises:
        TableError: if there are too few groups to hold any out.
    """
    if any(example.split for example in examples):
        return _with_validation(
            [replace(example, split=example.split or "train") for example in examples],
            validation,
            seed,
        )
    splits: list[Split] = ["train"] * len(examples)
    remaining = list(range(len(examples)))
    held_out: tuple[tuple[Split, float], ...] = (("test", test), ("validation", validation))
    left = 1.0
    for name, share in held_out:
        if share <= 0:
            continue
        for index in _hold_out([examples[i] for i in remaining], share / left, seed):
            splits[remaining[index]] = name
        remaining = [i for i in remaining if splits[i] == "train"]
        left -= share
    return [replace(example, split=split) for example, split in zip(examples, splits, strict=True)]


def _with_validation(examples: list[Example], share: float, seed: int) -> list[Example]:
    """Return the examples, with a share of train held out as validation if none is."""
    trained = [i for i, example in enumerate(examples) if example.split == "train"]
    if not trained or any(example.split == "validation" for example in examples):
        return examples
    try:
        held_out = {trained[i] for i in _hold_out([examples[i] for i in trained], share, seed)}
    except TableError as error:
        raise TableError(
            f"no row has the split 'validation', and of those in train, {error.message}",
            hint="Give some groups the split `validation`, or raise the option `validation`.",
        ) from error
    return [
        replace(example, split="validation") if i in held_out else example
        for i, example in enumerate(examples)
    ]


def folds_by_group(
    examples: Sequence[Example], folds: int, *, validation: float, seed: int
) -> list[list[Example]]:
    """Return for each fold the examples with their splits; each group is in ``test`` once.

    Args:
        folds: number of folds; for 0 the result is empty.
        validation: fraction of the pictures that chooses the epoch.

    Raises:
        TableError: if there are too few groups.
    """
    if not folds:
        return []
    bare = [replace(example, split=None) for example in examples]
    found = []
    for held_out in _folds(bare, folds, seed):
        outside = [i for i in range(len(bare)) if i not in held_out]
        share = validation * len(bare) / len(outside)
        inner = split_by_group([bare[i] for i in outside], test=0, validation=share, seed=seed)
        named = dict(zip(outside, inner, strict=True))
        found.append(
            [named.get(i, replace(example, split="test")) for i, example in enumerate(bare)]
        )
    return found


def _hold_out(examples: Sequence[Example], share: float, seed: int) -> list[int]:
    """Return indices of about that fraction: the first fold of about the right size.

    If a large group leaves no fold near that size, the nearest one is returned.
    """
    size = share * len(examples)
    if share > 1 / 3:
        taken, folds = Fraction(min(share, 0.9)).limit_denominator(10).as_integer_ratio()
        return sorted(set().union(*_folds(examples, folds, seed)[:taken]))
    parts = _folds(examples, max(2, round(1 / share)), seed)
    near = [part for part in parts if abs(len(part) - size) <= _TOLERANCE * size]
    return sorted([*near, min(parts, key=lambda part: abs(len(part) - size))][0])


def _folds(examples: Sequence[Example], folds: int, seed: int) -> list[set[int]]:
    """Return the indices that each fold holds out, by scikit-learn's StratifiedGroupKFold.

    Label combinations with fewer examples than there are folds are pooled in one stratum.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    groups = [example.group for example in examples]
    if len(set(groups)) < folds:
        raise TableError(
            f"{len(set(groups))} groups are too few to hold out one of {folds} parts",
            hint="Give all rows a split in a column `split`, hold out a larger fraction, or use "
            "fewer folds.",
        )
    labels = ["|".join(sorted(example.labels)) for example in examples]
    counts = Counter(labels)
    strata = [label if counts[label] >= folds else "|" for label in labels]
    cut = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # `inspect_pictures` reports rare labels by name
        warnings.filterwarnings("ignore", message="The least populated class")
        return [set(map(int, held_out)) for _, held_out in cut.split(examples, strata, groups)]
