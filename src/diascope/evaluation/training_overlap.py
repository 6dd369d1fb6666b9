"""Which rows of a table the weights were trained on, by the ``split.csv`` of the training."""

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
"""Splits that the weights were trained or selected on."""


@dataclass(frozen=True)
class KnownSplits:
    """The splits of a training, by the names of its groups and pictures.

    Attributes:
        groups: name to split.
        pictures: absolute path to split; relative paths of two data sets may be equal by chance.
        names: names of the pictures that were trained on, without folder and suffix; empty if
            nothing is known.
        doubt: a warning if equal names of groups seem to be a coincidence, or if the file cannot
            be read; else empty.
    """

    groups: Mapping[str, Split] = field(default_factory=dict)
    pictures: Mapping[Path, Split] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    doubt: str = ""

    def split_of(self, example: Example) -> Split | None:
        """Return a row's split in the training, by its group or picture; None if unknown.

        If the two differ, it is the first of train, validation, test.
        """
        found = self.groups.get(example.group), self.pictures.get(absolute_path(example.path))
        return next((split for split in _ALL if split in found), None)

    def namesakes(self, examples: Sequence[Example]) -> list[Example]:
        """Return the rows of unknown split whose picture has the name of one trained on."""
        return [
            one
            for one in examples
            if Path(one.name).stem in self.names and self.split_of(one) is None
        ]


def read_known_splits(folder: Path | None, examples: Sequence[Example]) -> KnownSplits:
    """Return the splits in the ``split.csv`` beside the weights, if there is one.

    Groups of two tables may have equal names by chance, such as 1 to 100. Equal names are taken for
    the same groups if at least one group has a picture of the same name in both (ignoring folder
    and suffix); otherwise no group is taken for one of the training's, and ``doubt`` says so.
    Pictures are the same if their absolute paths are. If the file cannot be read, the result holds
    only a ``doubt``.
    """
    if folder is None or not (path := folder / SPLIT_FILE).is_file():
        return KnownSplits()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            written = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problem = f"{path} cannot be read ({reason_of(error)})"
        return KnownSplits(
            doubt=f"{problem}: if rows were trained on, their metrics are optimistic"
        )
    rows = [row for row in written if row.get("path") and row.get("split") in _ALL]
    rows.sort(key=lambda row: -_ALL.index(row["split"]))  # if in several splits, train wins
    groups = {row.get("group") or row["path"]: cast(Split, row["split"]) for row in rows}
    shared = {(one.group, Path(one.name).stem) for one in examples if one.group in groups}
    known = {(row.get("group") or row["path"], Path(row["path"]).stem) for row in rows}
    doubt = ""
    if shared and not shared & known:
        groups = {}
        count = len({group for group, _ in shared})
        doubt = (
            f"groups are named as in {path} ({count}), but none has a picture of the same name: "
            "they are taken for different groups; if they are the same, the metrics are optimistic"
        )
    absolute = [row for row in rows if Path(row["path"]).is_absolute()]
    return KnownSplits(
        groups,
        {absolute_path(Path(row["path"])): cast(Split, row["split"]) for row in absolute},
        frozenset(Path(row["path"]).stem for row in rows if row["split"] in LEARNED_SPLITS),
        doubt,
    )
