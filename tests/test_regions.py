"""Items that are read in regions: separate batches, and resuming within an item."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diascope.card import Label, ModelCard
from diascope.classifier import Classifier
from diascope.contracts import Resumed, Runtime
from diascope.pipeline import Pipeline
from diascope.plugin_creation import make_backbone
from diascope.preparation import Preparation
from diascope.records import pack_record, unpack_record
from diascope.sample import Failed, Item, Overview, Prediction, Region, Regions, Sample
from tests.fakes import UNLUCKY, Numbers, part
from tests.fakes import pipeline as pipeline

OVERVIEW = Overview(
    np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3),
    np.eye(5, 7, dtype=np.bool_),
    (500, 700),
    (0.0005, 0.0005),
    {"tiles": 9, "used": 3},
)


@dataclass(frozen=True)
class Tiles:
    """Reads a text file that begins with ``tiles``; each number is a region."""

    starts: list[int] = field(default_factory=list)

    def sniff(self, path: str, head: bytes) -> int:
        return 90 if head.startswith(b"tiles") else 0

    def read(self, item: Item) -> Iterator[Sample]:
        yield from self.read_from(item, 0)

    def read_from(self, item: Item, start: int) -> Iterator[Sample]:
        self.starts.append(start)
        with item.open() as file:
            words = file.read().split()[1:]
        for frame in range(start, len(words)):
            pixels = np.full((1, 1, 1), int(words[frame]), np.uint8)
            overview = OVERVIEW if frame == 0 else None
            region = Region(10 * frame, 0, 10, 10)
            yield Sample(item, pixels, frame=frame, region=region, overview=overview)


@pytest.fixture
def tiled(pipeline: Pipeline, tmp_path: Path) -> Pipeline:
    """A pipeline with batches of four that reads regions and saves partial results."""
    readers = (part("reader", Tiles()), part("reader", Numbers()))
    pipeline.preparation = Preparation(readers, (), block=4)
    pipeline.keep_partial_results(tmp_path / "parts")
    return pipeline


def finished(pipeline: Pipeline, *items: Item) -> list[Any]:
    prepared = ((item, block) for item in items for block in pipeline.prepare(item))
    return list(pipeline.finish(prepared))


def tiles(count: int) -> bytes:
    return b"tiles " + b" ".join(b"%d" % (number % 10) for number in range(count))


def test_regions_do_not_share_batches_with_other_items(
    tiled: Pipeline, make_item: Callable[..., Item]
) -> None:
    contents = [b"21", tiles(6), b"22", b"23"]
    finished(tiled, *(make_item(text, f"{i}.txt") for i, text in enumerate(contents)))
    assert tiled.model.instance.loaded[0].batches == [[21], [0, 1, 2, 3], [4, 5], [22, 23]]


def test_a_kill_within_an_item_costs_only_what_came_after_the_last_part(
    tiled: Pipeline, make_item: Callable[..., Item]
) -> None:
    item = make_item(tiles(200), "whole.txt")
    (undisturbed,) = finished(tiled, item)
    tiled.forget_partial_results(item)
    tiled.model.instance.loaded[0].batches.clear()

    prepared = ((item, block) for block in _killed(tiled.prepare(item), 40))
    with pytest.raises(KeyboardInterrupt):
        list(tiled.finish(prepared))
    assert len(tiled.model.instance.loaded[0].batches) == 40
    (resumed,) = finished(tiled, item)

    assert tiled.preparation.readers[0].instance.starts == [0, 0, 128]
    assert len(tiled.model.instance.loaded[0].batches) == 40 + 18
    assert resumed.scores == undisturbed.scores


def _killed(blocks: Iterator[Any], after: int) -> Iterator[Any]:
    for number, block in enumerate(blocks):
        if number == after:
            raise KeyboardInterrupt
        yield block


def test_an_item_that_was_answered_to_its_end_is_not_read_again(
    tiled: Pipeline, make_item: Callable[..., Item]
) -> None:
    item = make_item(tiles(9), "whole.txt")
    (first,) = finished(tiled, item)
    assert list(tiled.prepare(item)) == [Resumed(9)]
    (again,) = finished(tiled, item)
    assert (again.scores, again.samples) == (first.scores, 9)


def test_parts_of_a_changed_file_are_not_used(
    tiled: Pipeline, make_item: Callable[..., Item]
) -> None:
    finished(tiled, make_item(tiles(9), "whole.txt"))
    changed = make_item(tiles(12), "whole.txt")
    assert not isinstance(next(tiled.prepare(changed)), Resumed)


def test_parts_of_a_changed_remote_file_are_not_used(
    tiled: Pipeline, make_item: Callable[..., Item]
) -> None:
    local = make_item(tiles(9), "whole.txt")
    item = Item("whole.txt", f"file://{local.uri}")
    finished(tiled, item)
    assert isinstance(next(tiled.prepare(item)), Resumed)
    make_item(tiles(12), "whole.txt")
    assert not isinstance(next(tiled.prepare(item)), Resumed)


def test_parts_that_follow_a_change_of_the_file_are_not_kept(
    tiled: Pipeline, make_item: Callable[..., Item]
) -> None:
    item = make_item(tiles(9), "whole.txt")
    finished(tiled, item)
    parts = tiled.preparation.partial_results
    assert parts is not None
    more = list(parts.predictions(item, 9))
    make_item(tiles(12), "whole.txt")
    parts.add(item, 9, more)
    assert parts.count(item) == 0


@pytest.mark.parametrize("left", [b"", b"no database"], ids=["empty", "damaged"])
def test_parts_that_a_kill_left_incomplete_are_ignored(
    tiled: Pipeline, make_item: Callable[..., Item], tmp_path: Path, left: bytes
) -> None:
    item = make_item(tiles(9), "whole.txt")
    (first,) = finished(tiled, item)
    (kept,) = (tmp_path / "parts").iterdir()
    kept.write_bytes(left)
    (again,) = finished(tiled, item)
    assert (again.scores, again.samples) == (first.scores, 9)


def test_parts_that_a_kill_left_without_a_stamp_are_ignored(
    tiled: Pipeline, make_item: Callable[..., Item], tmp_path: Path
) -> None:
    item = make_item(tiles(9), "whole.txt")
    finished(tiled, item)
    (kept,) = (tmp_path / "parts").iterdir()
    with closing(sqlite3.connect(kept)) as base, base:
        base.execute("delete from content")
    assert not isinstance(next(tiled.prepare(item)), Resumed)


def test_parts_are_deleted_with_their_item(
    tiled: Pipeline, make_item: Callable[..., Item], tmp_path: Path
) -> None:
    item = make_item(tiles(9), "whole.txt")
    finished(tiled, item)
    assert any((tmp_path / "parts").iterdir())
    tiled.forget_partial_results(item)
    assert not any((tmp_path / "parts").iterdir())


def test_where_the_folder_is_not_shared_nothing_is_kept_and_nothing_fails(
    tiled: Pipeline, make_item: Callable[..., Item], tmp_path: Path
) -> None:
    (tmp_path / "parts").rmdir()
    (record,) = finished(tiled, make_item(tiles(9), "whole.txt"))
    assert isinstance(record, Prediction)
    assert not (tmp_path / "parts").exists()


def test_a_region_that_fails_fails_its_item_and_no_other(
    tiled: Pipeline, make_item: Callable[..., Item]
) -> None:
    bad = make_item(b"tiles 1 2 %d 4 5 6" % UNLUCKY, "bad.txt")
    good = make_item(tiles(7), "good.txt")
    failed, fine = finished(tiled, bad, good)
    assert isinstance(failed, Failed)
    assert failed.stage == "model"
    assert isinstance(fine, Prediction)


def answers(rows: list[tuple[float, float]], **fields: Any) -> Iterator[Prediction]:
    item = Item("whole", "/whole")
    for number, row in enumerate(rows):
        yield Prediction(
            item,
            dict(zip(("a", "b"), row, strict=True)),
            "probability",
            (),
            region=Region(10 * number, 5, 10, 10),
            overview=OVERVIEW if number == 0 else None,
            **fields,
        )


@pytest.fixture
def classifier(make_card: Callable[..., ModelCard]) -> Callable[[str], Classifier]:
    def make(aggregation: str) -> Classifier:
        card = make_card(labels=(Label("a", operating_point=0.1), Label("b", operating_point=0.9)))
        runtime = Runtime("cpu", "predicted", make_backbone)
        return Classifier(None, card, runtime, aggregation)  # type: ignore[arg-type]

    return make


def test_the_answer_tells_each_region_and_the_whole(
    classifier: Callable[[str], Classifier],
) -> None:
    rows = [(0.25, 0.75), (0.5, 0.5)]
    answer = classifier("mean").aggregate(Item("whole", "/whole"), answers(rows))
    assert answer.regions is not None
    assert answer.regions.boxes.tolist() == [[0, 5, 10, 10], [10, 5, 10, 10]]
    assert answer.regions.scores.tolist() == [list(row) for row in rows]
    assert answer.regions.attention is None
    assert answer.overview is OVERVIEW
    assert answer.trace[-1] == "2 regions aggregated by mean"


def test_one_region_is_an_item_read_in_regions_too(
    classifier: Callable[[str], Classifier],
) -> None:
    answer = classifier("mean").aggregate(Item("whole", "/whole"), answers([(0.25, 0.75)]))
    assert answer.regions is not None


def test_area_is_the_fraction_of_regions_that_have_a_label(
    classifier: Callable[[str], Classifier],
) -> None:
    """The operating points 0.1 and 0.9 make `a` the prediction from a score of 0.1 on."""
    rows = [(0.05, 0.95), (0.2, 0.8), (0.09, 0.91), (0.02, 0.98)]
    answer = classifier("area").aggregate(Item("whole", "/whole"), answers(rows))
    assert answer.scores == {"a": 0.25, "b": 0.75}
    assert (answer.score_kind, answer.predicted) == ("share", ("b",))


def test_some_regions_far_from_the_training_are_no_warning_but_many_are(
    classifier: Callable[[str], Classifier],
) -> None:
    rows = [(0.5, 0.5)] * 10
    for novelties, warned in (((0.5,) * 9 + (3,), False), ((0.5,) * 7 + (2, 2, 3), True)):
        parts = [
            replace(answer, novelty=novelty)
            for answer, novelty in zip(answers(rows), novelties, strict=True)
        ]
        answer = classifier("mean").aggregate(Item("whole", "/whole"), iter(parts))
        assert bool(answer.warnings) is warned
    assert answer.warnings == (
        "3 of 10 regions unlike the pictures that the model was trained on (up to 3.00 times the "
        "limit)",
    )


def test_regions_and_overview_come_back_from_plain_values_as_they_were() -> None:
    (first,) = answers([(0.25, 0.75)], preview=OVERVIEW.picture)
    whole = replace(
        first, regions=Regions(np.array([[1, 2, 3, 4]], np.int32), np.array([[0.25, 0.75]], "f4"))
    )
    back = unpack_record(whole.item, pack_record(whole, lossless=True))
    assert isinstance(back, Prediction)
    assert back.region == first.region
    assert back.regions is not None
    assert back.regions.boxes.tolist() == [[1, 2, 3, 4]]
    assert back.regions.scores.tolist() == [[0.25, 0.75]]
    assert back.overview is not None
    np.testing.assert_array_equal(back.overview.picture, OVERVIEW.picture)
    np.testing.assert_array_equal(back.overview.mask, OVERVIEW.mask)
    assert (back.overview.size, back.overview.spacing_mm, back.overview.counts) == (
        OVERVIEW.size,
        OVERVIEW.spacing_mm,
        OVERVIEW.counts,
    )
