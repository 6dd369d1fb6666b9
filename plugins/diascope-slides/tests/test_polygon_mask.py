"""Polygons drawn into a mask: exactly the pixels whose centres they hold."""

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as some
from shapely import MultiPolygon, Polygon, box

from diascope_slides.polygon_mask import polygon_mask

COORDINATES = some.floats(-50, 250)
OUTLINES = some.lists(some.tuples(COORDINATES, COORDINATES), min_size=3, max_size=12)
SIDES, LENGTHS = some.integers(1, 40), some.integers(1, 200)


@given(some.lists(OUTLINES, max_size=3), LENGTHS, LENGTHS, SIDES, SIDES)
def test_the_mask_is_true_at_the_centres_that_lie_in_any_polygon(
    outlines: list[list[tuple[float, float]]], high: int, wide: int, height: int, width: int
) -> None:
    shapes = [shapely.buffer(shapely.make_valid(Polygon(outline)), 0) for outline in outlines]
    mask = polygon_mask(shapes, (high, wide), (height, width))
    rows = (np.arange(height) + 0.5) * high / height
    columns = (np.arange(width) + 0.5) * wide / width
    union = shapely.union_all(shapes)
    at = shapely.points(*np.meshgrid(columns, rows))
    with np.errstate(divide="ignore"):
        is_clear = ~shapely.dwithin(shapely.boundary(union), at, 1e-9)  # else rounding decides

    assert mask.shape == (height, width)
    assert np.array_equal(mask[is_clear], shapely.contains(union, at)[is_clear])


def test_holes_stay_empty_and_islands_in_them_are_filled() -> None:
    ring = box(0, 0, 5, 5).difference(box(1, 1, 4, 4))
    mask = polygon_mask([MultiPolygon([ring, box(2, 2, 3, 3)])], (5, 6), (5, 6))

    assert mask.astype(int).tolist() == [
        [1, 1, 1, 1, 1, 0],
        [1, 0, 0, 0, 1, 0],
        [1, 0, 1, 0, 1, 0],
        [1, 0, 0, 0, 1, 0],
        [1, 1, 1, 1, 1, 0],
    ]


def test_rows_and_columns_have_their_own_scale() -> None:
    assert polygon_mask([box(0, 0, 40, 50)], (100, 80), (2, 4)).astype(int).tolist() == [
        [1, 1, 0, 0],
        [0, 0, 0, 0],
    ]
