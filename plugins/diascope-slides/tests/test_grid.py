"""The grid: tiles cover the slide, and the coverage of each tile by a mask is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from diascope_slides.grid import Axis, Grid

LENGTHS, SCALES = some.integers(1, 100_000), some.floats(0.2, 40)
TILES, PARTS = some.integers(1, 1024), some.floats(0, 0.9)


@given(LENGTHS, SCALES, TILES, PARTS)
def test_tiles_reach_from_the_first_pixel_to_beyond_the_last(
    length: int, scale: float, tile: int, part: float
) -> None:
    axis = Axis(length, scale, tile, tile - int(tile * part))

    assert axis.bounds(0)[0] == 0
    assert axis.bounds(axis.count - 1)[1] >= length - 0.01 * axis.stride * scale - 1


@given(LENGTHS, SCALES, TILES, PARTS)
def test_every_tile_covers_a_part_of_the_slide_that_others_do_not(
    length: int, scale: float, tile: int, part: float
) -> None:
    axis = Axis(length, scale, tile, tile - int(tile * part))
    covered_before = axis.start(axis.count - 2) + tile * scale if axis.count > 1 else 0

    assert axis.start(axis.count - 1) < length
    assert covered_before < length


@given(LENGTHS, SCALES, TILES)
def test_without_overlap_each_tile_begins_where_the_last_one_ended(
    length: int, scale: float, tile: int
) -> None:
    axis = Axis(length, scale, tile, tile)
    numbers = range(min(axis.count, 50) - 1)

    assert all(axis.bounds(n)[1] == axis.bounds(n + 1)[0] for n in numbers)


def test_tiles_that_fit_exactly_are_not_followed_by_a_sliver() -> None:
    assert Axis(448, 0.5 / 0.25, 112, 112).count == 2
    assert Axis(672, 0.3 / 0.1, 224, 224).count == 1  # 0.3 / 0.1 is less than 3


def test_a_slide_smaller_than_a_tile_is_one_tile() -> None:
    grid = Grid.over((50, 60), (1, 1), 224, 0)

    assert (grid.rows.count, grid.columns.count) == (1, 1)
    assert grid.size_inside(0, 0) == (50, 60)


def test_coverage_is_exact_if_tiles_end_within_a_pixel_of_the_mask() -> None:
    mask = np.zeros((3, 3), np.bool_)
    mask[:, 1] = True
    grid = Grid.over((90, 90), (1, 1), 45, 0)  # a tile is 1.5 pixels of the mask

    assert grid.coverage(mask) == pytest.approx(np.full((2, 2), 1 / 3))


def test_parts_beyond_the_slide_count_as_not_covered() -> None:
    grid = Grid.over((100, 150), (1, 1), 100, 0)

    assert grid.coverage(np.ones((10, 15), np.bool_)) == pytest.approx(np.array([[1, 0.5]]))


def test_a_slide_smaller_than_a_tile_is_compared_with_itself() -> None:
    grid = Grid.over((50, 60), (1, 1), 224, 0)

    assert grid.coverage(np.ones((50, 60), np.bool_)) == pytest.approx(np.array([[1]]))
