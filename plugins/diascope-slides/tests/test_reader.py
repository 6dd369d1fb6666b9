"""The reader: every tile once, at its position and at the requested spacing."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from diascope.document import parse_document
from diascope.errors import NoPictureError, ReadError, RecipeError
from diascope.fields import check_values
from diascope.sample import Item, Sample
from diascope.testing import check_reader
from diascope_slides.grid import Grid
from diascope_slides.options import Assume, AtLevel
from diascope_slides.reader import SlideReader
from diascope_slides.scale import Scale
from diascope_slides.tiles import TileCutter
from tests.refusals import refused

Make = Callable[..., Any]
EVERY = SlideReader(tissue=0, tile=64)


def read(item: Item, reader: SlideReader = EVERY) -> list[Sample]:
    return list(reader.read(item))


def wrong_pixels(sample: Sample, whole: np.ndarray, spacing_um: tuple[float, float]) -> int:
    """Count pixels of a tile whose colour is not that of their cell of 16 x 16.

    Where the filter sees two cells or the slide's edge, any colour goes.
    """
    assert sample.region is not None
    side = len(sample.pixels)
    wrong = 0
    factors = [0.5 / um for um in spacing_um]
    starts = sample.region.y, sample.region.x
    places = []
    for axis in (0, 1):
        scale = factors[axis]
        centre = starts[axis] + (np.arange(side) + 0.5) * scale
        reach = max(scale, 1) + 1.5  # the filter, and a region told in whole pixels
        low, high = np.floor((centre - reach) / 16), np.floor((centre + reach) / 16)
        inside = (low == high) & (centre - reach >= 0) & (centre + reach < whole.shape[axis])
        places.append((np.flatnonzero(inside), centre[inside].astype(int)))
    (rows, ys), (columns, xs) = places
    wrong += int((sample.pixels[np.ix_(rows, columns)] != whole[np.ix_(ys, xs)]).any(2).sum())
    return wrong


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=some.tuples(some.integers(1, 200), some.integers(1, 200)),
    um=some.tuples(some.floats(0.1, 0.9), some.floats(0.1, 0.9)),
    tile=some.integers(30, 96),
    part=some.floats(0, 0.6),
    factors=some.sampled_from([(1,), (1, 2, 4), (1, 4)]),
)
def test_every_tile_has_the_pixels_of_its_position_at_any_size_spacing_and_overlap(
    array_slide: Make, coded: Make, size: Any, um: Any, tile: int, part: float, factors: Any
) -> None:
    whole = coded(*size)
    slide = array_slide(whole, factors, um)
    scale = Scale((0.5 / um[0], 0.5 / um[1]), 0.5, um)
    grid = Grid.over(size, scale.factors, tile, int(tile * part))
    cutter = TileCutter(Item("a", "a"), slide, grid, scale, ())

    for row in range(grid.rows.count):
        for column in range(grid.columns.count):
            assert wrong_pixels(cutter.sample(0, row, column), whole, um) == 0


def test_tiles_put_side_by_side_are_the_slide_on_white(make_slide: Make, coded: Make) -> None:
    whole = coded(150, 200)
    tiles = read(make_slide(whole))
    canvas = np.full((192, 256, 3), 0, np.uint8)
    for sample in tiles:
        assert sample.region is not None
        x, y = sample.region.x, sample.region.y
        assert not canvas[y : y + 64, x : x + 64].any(), "a tile is read once"
        canvas[y : y + 64, x : x + 64] = sample.pixels

    assert len(tiles) == 12
    assert np.array_equal(canvas[:150, :200], whole)
    assert (canvas[150:] == 255).all()
    assert (canvas[:, 200:] == 255).all()


def test_tiles_come_row_by_row_with_their_numbers(make_slide: Make, coded: Make) -> None:
    tiles = read(make_slide(coded(150, 200)))
    places = [(each.region.y, each.region.x) for each in tiles if each.region]

    assert places == sorted(places)
    assert [each.frame for each in tiles] == list(range(12))


def test_a_tile_states_its_spacing_its_box_and_its_trace(make_slide: Make, coded: Make) -> None:
    first, *_, last = read(make_slide(coded(150, 200)), replace(EVERY, spacing_um=1.25))

    assert first.spacing_mm == (0.00125, 0.00125)
    assert first.region is not None
    assert (first.region.width, first.region.height) == (160, 160)
    assert first.trace[0] == "libvips, level 1 of 3, reduced 1.25 times to 1.25 um"
    assert "beyond the slide's edge" in last.trace[-1]


def test_a_slide_coarser_than_requested_is_enlarged_with_a_trace_line(
    make_slide: Make, coded: Make
) -> None:
    (sample, *_) = read(make_slide(coded(64, 64)), replace(EVERY, spacing_um=0.25))

    assert sample.trace == ("libvips, level 0 of 3, enlarged 2 times to 0.25 um",)


def test_the_trace_states_both_factors_of_pixels_that_are_not_square(
    array_slide: Make, coded: Make
) -> None:
    spacing = (0.25, 0.625)
    slide = array_slide(coded(64, 64), spacing_um=spacing)
    scale = Scale((0.5 / 0.25, 0.5 / 0.625), 0.5, spacing)
    cutter = TileCutter(Item("a", "a"), slide, Grid.over((64, 64), scale.factors, 32, 0), scale, ())

    told = "memory, level 0 of 1, enlarged 1.25 times across and reduced 2 times down to 0.5 um"
    assert cutter.sample(0, 0, 0).trace == (told,)


def test_a_picture_smaller_than_a_tile_is_one_padded_tile(make_slide: Make, coded: Make) -> None:
    whole = coded(30, 40)
    (sample,) = read(make_slide(whole, factors=(1,)))

    assert np.array_equal(sample.pixels[:30, :40], whole)
    assert (sample.pixels[30:] == 255).all()


def test_the_overview_goes_with_frame_0_only(make_slide: Make, coded: Make) -> None:
    first, *others = read(make_slide(coded(1100, 550), factors=(1, 2)))

    assert first.overview is not None
    assert first.overview.picture.shape == (1024, 512, 3)
    assert first.overview.mask.shape == (1024, 512)
    assert first.overview.size == (1100, 550)
    assert first.overview.spacing_mm == pytest.approx((0.0005, 0.0005))
    assert all(each.overview is None for each in others)


def test_only_tiles_with_enough_tissue_are_read_and_counted(make_slide: Make) -> None:
    whole = np.full((256, 256, 3), 243, np.uint8)
    whole[:, 96:200] = (210, 120, 170)
    samples = read(make_slide(whole), SlideReader(tile=64, tissue=0.4))

    assert {each.region.x for each in samples if each.region} == {64, 128}
    assert samples[0].overview is not None
    assert samples[0].overview.counts == {"tiles": 16, "tissue": 12, "used": 8}


@pytest.mark.parametrize(("tissue", "used"), [(0.25, 4), (0.1, 5), (0, 5)])
def test_tiles_that_hold_less_slide_than_tissue_is_required_are_not_used(
    make_slide: Make, tissue: float, used: int
) -> None:
    item = make_slide(np.full((64, 4 * 64 + 10, 3), (210, 120, 170), np.uint8), factors=(1,))

    assert len(read(item, SlideReader(tile=64, tissue=tissue))) == used


def test_empty_glass_has_no_tissue_and_is_skipped(make_slide: Make) -> None:
    with pytest.raises(NoPictureError, match="no tissue was found: of 16 tiles"):
        read(make_slide(np.full((256, 256, 3), 243, np.uint8)), SlideReader(tile=64))


@pytest.mark.parametrize("start", [0, 1, 5, 11, 12, 99])
def test_read_from_gives_the_tail_of_read(make_slide: Make, coded: Make, start: int) -> None:
    item = make_slide(coded(150, 200))
    tail = list(EVERY.read_from(item, start))

    assert [each.frame for each in tail] == list(range(start, 12))
    for one, other in zip(tail, read(item)[start:], strict=True):
        assert np.array_equal(one.pixels, other.pixels)
        assert (one.region, one.trace) == (other.region, other.trace)


def test_a_slide_without_spacing_fails_with_advice(make_slide: Make, coded: Make) -> None:
    with pytest.raises(ReadError, match="does not state its spacing") as caught:
        read(make_slide(coded(64, 64), spacing_um=None))

    assert "missing: {assume:" in caught.value.hint


def test_an_assumed_spacing_is_in_the_trace(make_slide: Make, coded: Make) -> None:
    item = make_slide(coded(64, 64), spacing_um=None)
    (sample,) = read(item, replace(EVERY, missing=Assume(0.25)))

    assert sample.trace[0] == "spacing assumed 0.25 um from the recipe"
    assert sample.spacing_mm == (0.0005, 0.0005)
    assert sample.region is not None
    assert sample.region.width == 128


def test_a_level_can_be_used_as_it_is_without_a_spacing(make_slide: Make, coded: Make) -> None:
    item = make_slide(coded(128, 128), spacing_um=None)
    (sample,) = read(item, replace(EVERY, missing=AtLevel(1)))

    assert sample.spacing_mm is None
    assert sample.trace[-1] == "libvips, level 1 of 3, as it is"
    with pytest.raises(ReadError, match="no level 7"):
        read(item, replace(EVERY, missing=AtLevel(7)))


def test_a_stated_spacing_wins_over_the_policy(make_slide: Make, coded: Make) -> None:
    (sample,) = read(make_slide(coded(64, 64)), replace(EVERY, missing=Assume(9)))

    assert sample.trace == ("libvips, level 0 of 3, as it is",)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("fail", "fail"),
        ("{assume: 0.5}", Assume(0.5)),
        ("{assume: 1}", Assume(1.0)),
        ("{level: 0}", AtLevel(0)),
    ],
)
def test_a_recipe_states_the_policy_as_a_word_or_a_key(text: str, value: object) -> None:
    node = parse_document(f"missing: {text}", name="a.yaml")

    assert check_values(SlideReader, node.value, where="a.yaml") == {"missing": value}


@pytest.mark.parametrize("text", ["maybe", "{assum: 1}", "{assume: a}", "{level: 0.5}", "0.5"])
def test_a_recipe_with_another_policy_is_refused(text: str) -> None:
    node = parse_document(f"missing: {text}", name="a.yaml")

    with pytest.raises(RecipeError, match="missing"):
        check_values(SlideReader, node.value, where="a.yaml")


@pytest.mark.parametrize(
    "values",
    [
        {"spacing_um": 0},
        {"spacing_um": float("nan")},
        {"tile": 0},
        {"overlap": -1},
        {"overlap": 224},
        {"tissue": 1.1},
    ],
    ids=str,
)
def test_an_invalid_value_is_reported(values: dict[str, Any]) -> None:
    assert refused(SlideReader, values).startswith(f"{next(iter(values))} must be ")


def test_an_invalid_policy_is_reported() -> None:
    assumed, level = ({"missing": wrong} for wrong in ({"assume": 0}, {"level": -1}))

    assert refused(SlideReader, assumed) == "missing: assume must be a finite number above 0, got 0"
    assert (
        refused(SlideReader, level) == "missing: level must be a whole number of at least 0, got -1"
    )


def test_it_keeps_the_contract_of_a_reader(make_slide: Make, coded: Make) -> None:
    good = Path(make_slide(coded(150, 200)).uri)
    bad = good.with_name("bad.tif")
    bad.write_bytes(good.read_bytes()[:-3000])

    assert len(check_reader(EVERY, good, bad)) == 12


def test_the_reader_can_be_sent_to_another_process(make_slide: Make, coded: Make) -> None:
    item = make_slide(coded(64, 64))
    begun = EVERY.read(item)
    next(begun)

    assert pickle.loads(pickle.dumps(EVERY)) == EVERY
