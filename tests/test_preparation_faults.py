"""Frames that do not ascend, and files that a plugin misses, are named."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from diascope.sample import Failed, Item, Sample
from tests.test_preparation import Words, prepare

Make = Callable[..., Item]


@dataclass(frozen=True)
class Repeats(Words):
    """A reader that numbers all frames alike."""

    def read(self, item: Item) -> Iterator[Sample]:
        yield from (replace(sample, frame=0) for sample in super().read(item))


def test_frames_that_do_not_ascend_fail_the_item(make_item: Make) -> None:
    ended = prepare(make_item(b"1 2"), readers=(Repeats(),))[-1]

    assert isinstance(ended, Failed)
    assert ended.reason == "expected frames that ascend, got 0 after 0"


@dataclass(frozen=True)
class Looks:
    """A step that looks its values up in a table."""

    table: Path

    def __call__(self, sample: Sample) -> Sample:
        self.table.read_text()
        return sample


def test_a_file_that_a_plugin_misses_is_named_and_the_items_own_is_not(
    make_item: Make, tmp_path: Path
) -> None:
    item = make_item(b"1")
    (failed,) = prepare(item, Looks(tmp_path / "table.txt"))
    (own,) = prepare(item, readers=(Words(), Vanishes()))

    assert failed.reason == "No such file or directory: 'table.txt'"
    assert own.reason == "No such file or directory"


@dataclass(frozen=True)
class Vanishes(Words):
    """A reader of a file that disappears while it is read."""

    sure: int = 60

    def read(self, item: Item) -> Iterator[Sample]:
        Path(item.uri).unlink()
        Path(item.uri).read_bytes()
        yield from super().read(item)
