"""Checks of a label table and its pictures before the first epoch."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from diascope.display_text import plural
from diascope.errors import TableError
from diascope.network_input import accepts_channels
from diascope.output import write_table
from diascope.preparation import Preparation
from diascope.table import Example
from diascope.training.dataset import first_and_more
from diascope.training.duplicates import Fingerprint, find_copies, fingerprint

DEFECTS_FILE = "defects.csv"
_SHOWN = 10
_SAME = " = "
_FEW_GROUPS = {"train": 10, "validation": 5, "test": 5}


@dataclass(frozen=True)
class Defect:
    """A problem with the table or its pictures.

    Attributes:
        level: an ``error`` stops the training, a ``warning`` is only reported.
        text: what is wrong.
        rows: the rows concerned, such as ``line 3: a.png``; empty if none in particular.
        hint: what the user can do.
    """

    level: Literal["error", "warning"]
    text: str
    rows: tuple[str, ...] = ()
    hint: str = ""

    def __str__(self) -> str:
        shown = [self.text, *(f"  {_shorten_row(row)}" for row in self.rows[:_SHOWN])]
        if len(self.rows) > _SHOWN:
            shown.append(f"  and {len(self.rows) - _SHOWN} more")
        return "\n".join([*shown, self.hint] if self.hint else shown)


@dataclass(frozen=True)
class Inspection:
    """The result of reading every picture once.

    Attributes:
        size: (height, width) in pixels after preprocessing.
        warnings: for the screen and the page.
        copy_sets: sets of copies, as indices into the table.
    """

    size: tuple[int, int]
    warnings: tuple[str, ...]
    copy_sets: tuple[tuple[int, ...], ...] = ()


def inspect_pictures(
    examples: Sequence[Example],
    preparation: Preparation,
    *,
    channels: int,
    allow_duplicates: bool,
    whole: bool,
    directory: Path,
    table: Path,
    names: Sequence[str],
    folds: Sequence[Sequence[Example]] = (),
) -> Inspection:
    """Read every picture once, and report all problems with them and with the table.

    Args:
        examples: each with its split.
        channels: the number that the network takes.
        allow_duplicates: whether copies in two splits are only a warning.
        whole: whether the training uses all frames or regions of an item, not only the first.
        directory: where ``defects.csv`` is written, with all rows of all defects.
        names: of the labels.
        folds: for each fold of a cross-validation, the examples with their splits, in the same
            order.

    Raises:
        TableError: with all errors at once: pictures that cannot be read, differ in size or have
            channels that the network does not take; copies in two splits; labels without training
            pictures.
    """
    read = _ReadResults.of(examples, preparation)
    copy_sets = read.copy_sets()
    found = [
        *_bad_pictures(read, channels),
        *(() if whole else _multi_frame_items(read)),
        *_copies(examples, folds, copy_sets, allow_duplicates),
        *_rare_labels(examples, names),
    ]
    _write_defects(found, directory)
    errors = [str(defect) for defect in found if defect.level == "error"]
    if errors:
        listed = "\n".join(errors).replace("\n", "\n  ")
        raise TableError(
            f"cannot be trained on:\n  {listed}",
            where=str(table),
            hint=f"All rows concerned are listed in {directory / DEFECTS_FILE}.",
        )
    return Inspection(read.size, tuple(str(defect) for defect in found), copy_sets)


@dataclass(frozen=True)
class _ReadResults:
    """The results of reading the pictures, by index in the table or by row.

    Attributes:
        more: the rows that have more than one frame or region.
    """

    fingerprints: dict[int, Fingerprint]
    sizes: dict[str, tuple[int, int]]
    channels: dict[str, int]
    unreadable: tuple[str, ...]
    more: tuple[str, ...]

    @classmethod
    def of(cls, examples: Sequence[Example], preparation: Preparation) -> "_ReadResults":
        fingerprints, sizes, channels = {}, {}, {}
        unreadable, several = list[str](), list[str]()
        for place, example in enumerate(examples):
            try:
                sample, more = first_and_more(example, preparation)
            except TableError as error:
                unreadable.append(f"{_format_row(example)}: {error.message}")
                continue
            if not np.isfinite(sample.pixels).all():
                unreadable.append(f"{_format_row(example)}: not all of its pixels are numbers")
                continue
            fingerprints[place] = fingerprint(sample)
            sizes[_format_row(example)] = sample.pixels.shape[:2]
            channels[_format_row(example)] = sample.pixels.shape[2]
            several += [_format_row(example)] if more else []
        return cls(fingerprints, sizes, channels, tuple(unreadable), tuple(several))

    @property
    def size(self) -> tuple[int, int]:
        """The most frequent (height, width)."""
        return Counter(self.sizes.values()).most_common(1)[0][0]

    def copy_sets(self) -> tuple[tuple[int, ...], ...]:
        """Return the sets of copies, as indices into the table."""
        places = list(self.fingerprints)
        found = find_copies(list(self.fingerprints.values()))
        return tuple(tuple(places[at] for at in one) for one in found)


def _bad_pictures(read: _ReadResults, channels: int) -> Iterator[Defect]:
    if read.unreadable:
        text = f"{plural(len(read.unreadable), 'picture')} cannot be read"
        yield Defect("error", text, read.unreadable, "Repair these pictures, or remove their rows.")
    if len(set(read.sizes.values())) > 1:
        usual = read.size
        other = {row: size for row, size in read.sizes.items() if size != usual}
        text = f"{plural(len(other), 'picture')} not of {usual[1]} x {usual[0]} pixels, as most are"
        rows = tuple(f"{row}: {width} x {height}" for row, (height, width) in other.items())
        yield Defect("error", text, rows, "Add `resize: {size: 224}` to preprocess.")
    wrong = {row: has for row, has in read.channels.items() if not accepts_channels(channels, has)}
    if wrong:
        expected = plural(channels, "channel")
        text = f"{plural(len(wrong), 'picture')} not of {expected}, which the network takes"
        rows = tuple(f"{row}: {plural(has, 'channel')}" for row, has in wrong.items())
        hint = (
            "Add `grayscale` to preprocess." if channels == 1 else "Convert them, or remove them."
        )
        yield Defect("error", text, rows, hint)


def _multi_frame_items(read: _ReadResults) -> Iterator[Defect]:
    if read.more:
        text = (
            f"{plural(len(read.more), 'item')} of several frames or regions: only the first of "
            "each is learned from and measured"
        )
        hint = (
            "`head: attention` learns labels of whole items; for labels of frames or regions, save "
            "each as a file of its own."
        )
        yield Defect("warning", text, read.more, hint)


def _copies(
    examples: Sequence[Example],
    folds: Sequence[Sequence[Example]],
    copy_sets: Sequence[Sequence[int]],
    allowed: bool,
) -> Iterator[Defect]:
    """Yield copies in two splits, copies in two groups of one split, and copies that differ in
    their labels."""
    sets = [[examples[place] for place in one] for one in copy_sets]
    yield from _leaks(sets, allowed)
    for number, fold in enumerate(folds, 1):
        called = f"in fold {number} of {len(folds)}: "
        yield from _leaks([[fold[place] for place in one] for one in copy_sets], allowed, called)
    inside = [one for one in sets if len({copy.split for copy in one}) == 1]
    if apart := [one for one in inside if len({copy.group for copy in one}) > 1]:
        text = f"{plural(len(apart), 'picture')} with copies in other groups of the same split"
        yield Defect("warning", text, _format_copies(apart))
    if unequal := [one for one in sets if len({copy.labels for copy in one}) > 1]:
        text = f"{plural(len(unequal), 'picture')} whose copies have other labels"
        yield Defect("warning", text, _format_copies(unequal))


def _leaks(sets: Sequence[Sequence[Example]], allowed: bool, called: str = "") -> Iterator[Defect]:
    if leaks := [one for one in sets if len({copy.split for copy in one}) > 1]:
        yield Defect(
            "warning" if allowed else "error",
            f"{called}{plural(len(leaks), 'picture')} with copies in another split: "
            "metrics measured there would be optimistic",
            _format_copies(leaks),
            "Give all copies of a picture one group, or keep only one of them; "
            "`train: {allow_duplicates: true}` trains anyway.",
        )


def _rare_labels(examples: Sequence[Example], names: Sequence[str]) -> Iterator[Defect]:
    """Yield labels with no or few pictures in a split."""
    for split, few in _FEW_GROUPS.items():
        chosen = [example for example in examples if example.split == split]
        if not chosen:  # only test can be empty: `make_plan` refuses the others
            continue
        groups = {
            name: len({example.group for example in chosen if name in example.labels})
            for name in names
        }
        if none := [name for name, count in groups.items() if not count]:
            level: Literal["error", "warning"] = "error" if split == "train" else "warning"
            hint = _missing_label_hint(none, examples) if split == "train" else ""
            yield Defect(level, f"no picture in {split} of {', '.join(none)}", hint=hint)
        if scarce := [f"{name} ({count})" for name, count in groups.items() if 0 < count < few]:
            yield Defect("warning", f"fewer than {few} groups in {split} of {', '.join(scarce)}")


def _missing_label_hint(none: Sequence[str], examples: Sequence[Example]) -> str:
    """Return a hint for labels that no training picture has."""
    there = set().union(*(example.labels for example in examples))
    hints = []
    if absent := [name for name in none if name not in there]:
        hints.append(f"The table has no picture of {', '.join(absent)}: leave it out of `labels`.")
    if held_out := [name for name in none if name in there]:
        hints.append(
            f"All pictures of {', '.join(held_out)} are held out: give some of their groups train "
            "in a column `split`."
        )
    return "\n".join(hints)


def _write_defects(found: Sequence[Defect], directory: Path) -> None:
    rows = [(defect.level, defect.text, row) for defect in found for row in defect.rows or ("",)]
    write_table(directory / DEFECTS_FILE, [("level", "defect", "row"), *rows])


def _format_copies(sets: Sequence[Sequence[Example]]) -> tuple[str, ...]:
    return tuple(_SAME.join(f"{_format_row(one)} ({one.split})" for one in alike) for alike in sets)


def _shorten_row(row: str) -> str:
    """Return a row with at most ``_SHOWN`` of its copies, which may be thousands."""
    copied = row.split(_SAME)
    more = [f"{len(copied) - _SHOWN:,} more"] if len(copied) > _SHOWN else []
    return _SAME.join([*copied[:_SHOWN], *more])


def _format_row(example: Example) -> str:
    return f"line {example.line}: {example.name}"
