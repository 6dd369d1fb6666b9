"""What weights were learned from, as far as the names in a training's ``split.csv`` tell."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast, get_args

from diascope.errors import reason_of
from diascope.inputs import absolute_path
from diascope.table import SPLIT_FILE, Example, Split

_ALL = get_args(Split)
LEARNED_SPLITS = ("train", "validation")
"""Splits that shaped the weights."""


@dataclass(frozen=True)
class KnownSplits:
    """The splits of a training, by the names of its groups and of its pictures.

    Attributes:
        groups: name to split.
        pictures: path to split, only where it is absolute, since those within two sets of data may
            be alike.
        names: of the pictures that it learned from, without folder and ending; empty where nothing
            is known.
        doubt: a warning, if groups are only named as those of the training, or the file cannot be
            read; else empty.
    """

    groups: Mapping[str, Split] = field(default_factory=dict)
    pictures: Mapping[Path, Split] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    doubt: str = ""

    def split_of(self, example: Example) -> Split | None:
        """Return the training's split of a row's group or picture, the one that it learned more
        from; None if neither stands in it."""
        found = self.groups.get(example.group), self.pictures.get(absolute_path(example.path))
        return next((split for split in _ALL if split in found), None)

    def namesakes(self, examples: Sequence[Example]) -> list[Example]:
        """Return the rows of unknown split whose picture is named as one that was learned from."""
        return [
            one
            for one in examples
            if Path(one.name).stem in self.names and self.split_of(one) is None
        ]


def read_known_splits(folder: Path | None, examples: Sequence[Example]) -> KnownSplits:
    """Return what is known of weights, from ``split.csv`` beside them; nothing without a folder or
    such a file, or where it cannot be read.

    Two tables may name other groups alike, such as 1 to 100. Their names mean the same if at least
    one group has a picture of the same name in both, whatever its folder and ending; otherwise no
    group is taken for the training's, and ``doubt`` says so. A picture is the same if its absolute
    path is, by whatever way it is named.
    """
    if folder is None or not (path := folder / SPLIT_FILE).is_file():
        return KnownSplits()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            written = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        told = f"{path} cannot be read ({reason_of(error)})"
        return KnownSplits(
            doubt=f"{told}: of rows that the weights learned from, the figures flatter"
        )
    rows = [row for row in written if row.get("path") and row.get("split") in _ALL]
    rows.sort(key=lambda row: -_ALL.index(row["split"]))  # what stands in several: the most learned
    groups = {row.get("group") or row["path"]: cast(Split, row["split"]) for row in rows}
    alike = {(one.group, Path(one.name).stem) for one in examples if one.group in groups}
    known = {(row.get("group") or row["path"], Path(row["path"]).stem) for row in rows}
    doubt = ""
    if alike and not alike & known:
        groups = {}
        doubt = (
            f"groups are named as in {path} ({len({group for group, _ in alike})}), but none has a "
            "picture of the same name: they are taken for others; if they are the same, the "
            "figures flatter"
        )
    whole = [row for row in rows if Path(row["path"]).is_absolute()]
    return KnownSplits(
        groups,
        {absolute_path(Path(row["path"])): cast(Split, row["split"]) for row in whole},
        frozenset(Path(row["path"]).stem for row in rows if row["split"] in LEARNED_SPLITS),
        doubt,
    )
