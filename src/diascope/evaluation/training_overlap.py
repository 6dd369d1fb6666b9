"""Which rows of a table the weights were trained on, by the files of the training beside them."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast, get_args

from diascope.errors import reason_of
from diascope.local_files import absolute_path
from diascope.table import SPLIT_FILE, Example, Split

LEARNED_FILE = "learned-from.csv"
"""File in a training's folder that lists what the weights that it started from, and its teachers,
were trained on: a row for each picture, as in ``split.csv``, with the SHA-256 of these weights."""

_ALL = get_args(Split)
LEARNED_SPLITS = ("train", "validation")
"""Splits that the weights were trained or selected on."""


@dataclass(frozen=True)
class KnownSplits:
    """The splits of a training and of those before it, by the names of their groups and pictures.

    Attributes:
        groups: name to split; also relative paths as written, since a row without a group is a
            group with the name of its path. Relative paths of rows with groups are not compared:
            those of two data sets may be equal by chance.
        pictures: absolute path to split.
        names: names of the pictures that were trained on, without folder and suffix; empty if
            nothing is known.
        doubts: whether equal names of groups seem to be a coincidence, or a file cannot be read.
        source: the names of the files that tell splits, for messages.
    """

    groups: Mapping[str, Split] = field(default_factory=dict)
    pictures: Mapping[Path, Split] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    doubts: tuple[str, ...] = ()
    source: str = ""

    def split_of(self, example: Example) -> Split | None:
        """Return a row's split in the training, by its group or picture; None if unknown.

        If the two differ, it is the first of train, validation, test.
        """
        found = self.groups.get(example.group), self.pictures.get(absolute_path(example.path))
        return next((split for split in _ALL if split in found), None)

    @property
    def doubt_warnings(self) -> list[str]:
        """The doubts, and what they mean for the metrics."""
        tail = "if the model was trained on rows of the table, the metrics are optimistic"
        return [f"{doubt}; {tail}" for doubt in self.doubts]

    def namesakes(self, examples: Sequence[Example]) -> list[Example]:
        """Return the rows of unknown split whose picture has the name of one trained on."""
        return [
            one
            for one in examples
            if Path(one.name).stem in self.names and self.split_of(one) is None
        ]


def read_known_splits(
    folder: Path | None,
    examples: Sequence[Example],
    files: Sequence[str] = (SPLIT_FILE, LEARNED_FILE),
) -> KnownSplits:
    """Return the splits in the files that a training leaves beside its weights, if there are any.

    Groups of two tables may have equal names by chance, such as 1 to 100. Equal names are taken for
    the same groups if at least one group has a picture of the same name in both (ignoring folder
    and suffix); otherwise no group is taken for one of the training's, and a doubt says so. This is
    decided for each training on its own. Pictures are the same if their absolute paths are or, for
    a row without a group, their paths as written. Of a file that cannot be read, the result holds
    only a doubt.
    """
    if folder is None:
        return KnownSplits()
    parts, doubts = list[_Part](), list[str]()
    for name in files:
        rows, problem = read_split_rows(folder / name)
        if problem:
            doubts.append(problem)
        trainings: dict[str, list[dict[str, str]]] = {}
        for row in rows:
            trainings.setdefault(row.get("weights") or "", []).append(row)
        parts += [_Part.of(each, name, examples) for each in trainings.values()]
    known = KnownSplits(
        _first_splits([pair for part in parts for pair in part.groups]),
        _first_splits([pair for part in parts for pair in part.pictures]),
        frozenset().union(*(part.names for part in parts)),
    )
    if not all(map(known.split_of, examples)):  # else the doubtful groups are those of another part
        doubts += [part.doubt for part in parts if part.doubt]
    told = [part.file for part in parts if part.tells(examples)] or [part.file for part in parts]
    source = f"{' and '.join(dict.fromkeys(told))} beside the weights"
    return replace(known, doubts=tuple(dict.fromkeys(doubts)), source=source)


def read_split_rows(path: Path) -> tuple[list[dict[str, str]], str]:
    """Return the rows of a ``split.csv`` or ``learned-from.csv``, and why it cannot be read.

    Both are empty if there is no such file, or if it is not one of ours.
    """
    if not path.is_file():
        return [], ""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            written = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return [], f"{path.name} beside the weights cannot be read ({reason_of(error)})"
    return [row for row in written if row.get("path") and row.get("split") in _ALL], ""


def group_of(row: Mapping[str, str]) -> str:
    """Return the group of a row of these files."""
    return row.get("group") or row["path"]


@dataclass(frozen=True)
class _Part:
    """What is known of one training; groups and pictures in pairs with their splits."""

    file: str
    groups: list[tuple[str, Split]]
    pictures: list[tuple[Path, Split]]
    names: frozenset[str]
    doubt: str

    def tells(self, examples: Sequence[Example]) -> bool:
        """Whether it has a group or picture of any of the rows."""
        groups, pictures = dict(self.groups), dict(self.pictures)
        return any(one.group in groups or absolute_path(one.path) in pictures for one in examples)

    @classmethod
    def of(cls, rows: Sequence[dict[str, str]], file: str, examples: Sequence[Example]) -> "_Part":
        groups = [(group_of(row), cast(Split, row["split"])) for row in rows]
        there = {group for group, _ in groups}
        shared = {(one.group, Path(one.name).stem) for one in examples if one.group in there}
        known = {(group_of(row), Path(row["path"]).stem) for row in rows}
        doubt = ""
        if shared and not shared & known:
            groups = []
            count = len({group for group, _ in shared})
            doubt = (
                f"groups are named as in {file} beside the weights ({count}), but none has a "
                "picture of the same name: they are taken for different groups"
            )
        absolute = [row for row in rows if Path(row["path"]).is_absolute()]
        paths = [(row["path"], cast(Split, row["split"])) for row in rows]
        return cls(
            file,
            [*groups, *paths],
            [(absolute_path(Path(row["path"])), cast(Split, row["split"])) for row in absolute],
            frozenset(Path(row["path"]).stem for row in rows if row["split"] in LEARNED_SPLITS),
            doubt,
        )


def _first_splits(pairs: Sequence[tuple[Any, Split]]) -> dict[Any, Split]:
    """Return the split of each name; if it is in several, the first of train, validation, test."""
    return dict(sorted(pairs, key=lambda pair: -_ALL.index(pair[1])))
