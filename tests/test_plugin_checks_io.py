"""The checks for readers, steps and reports detect likely mistakes of plugin authors."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import pytest

from diascope.errors import NoPictureError, ReadError
from diascope.sample import Item, Overview, Prediction, Region, Sample
from diascope.testing import check_reader, check_report, check_step

PREDICTION = Prediction(Item("a", "a"), {"dark": 0.25, "bright": 0.75}, "softmax", ("bright",))


@dataclass(frozen=True)
class Step:
    """A step that halves a picture and passes the result through a function."""

    ends: Callable[[Sample, Sample], Sample]
    api: ClassVar = (1, 0)

    def __call__(self, sample: Sample) -> Sample:
        pixels = (sample.pixels / 2).astype(sample.pixels.dtype)
        return self.ends(sample, sample.changed(pixels, "halved"))


def anew(before: Sample, after: Sample) -> Sample:
    return Sample(before.item, after.pixels, after.range, trace=after.trace)


def only_its_own_line(before: Sample, after: Sample) -> Sample:
    return replace(after, trace=after.trace[-1:])


def without_spacing(before: Sample, after: Sample) -> Sample:
    return replace(after, spacing_mm=None)


def without_overview(before: Sample, after: Sample) -> Sample:
    return replace(after, overview=None)


def as_it_was(before: Sample, after: Sample) -> Sample:
    return after


def by_spacing(before: Sample, after: Sample) -> Sample:
    return after.changed(after.pixels, f"{min(before.spacing_mm or ())} mm")


def test_a_step_that_keeps_its_contract_passes() -> None:
    check_step(Step(as_it_was))


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        (anew, "the frame of its input, 3, got 0"),
        (only_its_own_line, "the trace so far kept in front"),
        (without_spacing, "a spacing, as its input has one"),
        (without_overview, "the overview of its input, .*, got None"),
    ],
)
def test_a_step_that_drops_fields_of_a_sample_fails(
    ends: Callable[[Sample, Sample], Sample], told: str
) -> None:
    with pytest.raises(AssertionError, match=told):
        check_step(Step(ends))


def test_a_step_that_requires_optional_fields_fails() -> None:
    with pytest.raises(ValueError, match="empty"):
        check_step(Step(by_spacing))


@dataclass(frozen=True)
class Reader:
    """A reader in which each byte is a frame; ``numbers`` are the frame numbers."""

    numbers: tuple[int, ...] = (0, 1, 2)
    error: type[Exception] = ReadError
    api: ClassVar = (1, 0)

    def sniff(self, path: str, head: bytes) -> int:
        return 50 if head.startswith(b"\x01") else 0

    def read(self, item: Item) -> Iterator[Sample]:
        with item.open() as file:
            content = file.read()
        if len(content) < 3:
            raise self.error("it is cut")
        for number, value in zip(self.numbers, content, strict=True):
            yield Sample(item, np.full((2, 2, 1), value, np.uint8), frame=number)


REGION = Region(0, 0, 2, 2)
OVERVIEW = Overview(np.zeros((1, 1, 3), np.uint8), np.ones((1, 1), bool), (2, 2))


@dataclass(frozen=True)
class RegionReader(Reader):
    """A reader that resumes within an item, ``shift`` frames away from the requested one.

    Attributes:
        region, overview: what it gives with each frame, and with the first.
        more: frames that it gives where no more are left.
    """

    shift: int = 0
    region: Region | None = REGION
    overview: Overview | None = OVERVIEW
    more: int = 0

    def read(self, item: Item) -> Iterator[Sample]:
        for sample in super().read(item):
            overview = None if sample.frame else self.overview
            yield replace(sample, region=self.region, overview=overview)

    def read_from(self, item: Item, start: int) -> Iterator[Sample]:
        samples = list(self.read(item))
        yield from samples[start + self.shift :] or samples[: self.more]


class Sealed(Reader):
    """A reader whose samples cannot be pickled."""

    def read(self, item: Item) -> Iterator[Sample]:
        for sample in super().read(item):
            yield replace(sample, facts=MappingProxyType({}))


@pytest.fixture
def check(tmp_path: Path) -> Callable[[Any], list[Sample]]:
    """Return a function that checks a reader of bytes."""
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(b"\x01\x02\x03")
    bad.write_bytes(b"\x01")
    return lambda reader: check_reader(reader, str(good), str(bad))


@pytest.mark.parametrize("reader", [Reader(), Reader((4, 7, 9)), RegionReader()])
def test_a_reader_of_ascending_frames_passes(
    check: Callable[[Any], list[Sample]], reader: Reader
) -> None:
    assert [sample.frame for sample in check(reader)] == list(reader.numbers)


@pytest.mark.parametrize(
    ("reader", "told"),
    [
        (Reader((0, 0, 1)), "frames that ascend"),
        (Reader((2, 1, 0)), "frames that ascend"),
        (Reader((-1, 0, 1)), "frame, a whole number from 0, got -1"),
        (Reader(error=NoPictureError), "a ReadError that fails the item"),
        (Sealed(), "expected samples to be picklable, got TypeError: cannot pickle"),
        (RegionReader(region=None), r"a region of every sample, got 'none of the frames \[0, 1, 2"),
        (RegionReader(overview=None), "an overview with the first sample, got None"),
        (RegionReader(more=1), r"the frames \[\] from read_from, got \[0\]"),
        (RegionReader(shift=1), r"the frames \[1, 2\] from read_from, got \[2\]"),
        (RegionReader(shift=-1), r"the frames \[1, 2\] from read_from, got \[0, 1, 2\]"),
    ],
)
def test_a_reader_that_breaks_its_contract_fails(
    check: Callable[[Any], list[Sample]], reader: Reader, told: str
) -> None:
    with pytest.raises(AssertionError, match=told):
        check(reader)


@dataclass(frozen=True)
class Report:
    """A report that treats its records as a list, or depends on the content of its folder."""

    by: str = ""
    api: ClassVar = (1, 0)

    def write(self, run: Any, records: Any, directory: Path) -> list[Path]:
        if self.by == "length":
            len(records)
        if self.by == "index":
            records[0]
        count = sum(1 for _ in records) + sum(1 for _ in records)
        path = directory / f"{directory.name if self.by == 'another name' else count}.txt"
        with path.open("x"):
            return [Path(path.name) if self.by == "short name" else path]


@pytest.mark.parametrize("by", ["", "short name"])
def test_a_report_is_written_into_an_empty_folder_each_time(by: str) -> None:
    assert check_report(Report(by), {}, PREDICTION) == [Path("6.txt")]


@pytest.mark.parametrize(
    ("by", "error"),
    [("length", TypeError), ("index", TypeError), ("another name", AssertionError)],
)
def test_a_report_that_needs_more_than_a_run_provides_fails(
    by: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        check_report(Report(by), {}, PREDICTION)
