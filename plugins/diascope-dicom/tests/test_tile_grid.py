"""The grid of tiles, derived from boxes with rounded corners."""

import numpy as np
import pytest

from diascope_dicom.tile_grid import TileGrid

SIZE = (60_000, 90_000)


def boxes_at(cells, stride, length):
    """Return the boxes of cells (row, column), with both ends rounded as by a reader."""
    ends = [
        (round(column * stride), round(row * stride), column * stride, row * stride)
        for row, column in cells
    ]
    return np.array(
        [(x, y, round(fx + length) - x, round(fy + length) - y) for x, y, fx, fy in ends], np.int32
    )


def random_cells(count, shape, seed):
    return np.unique(np.random.default_rng(seed).integers((0, 0), shape, (count, 2)), axis=0)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("tile", [58.31, 234.8387, 448.0])
def test_every_tile_is_within_a_pixel_of_the_cell_with_its_score(tile, seed):
    shape = (int(SIZE[0] / tile), int(SIZE[1] / tile))
    cells = random_cells(12, shape, seed)
    boxes = boxes_at(cells, tile, tile)
    scores = np.random.default_rng(seed).random(len(cells)).astype(np.float32)
    lattice = TileGrid.from_boxes(boxes, SIZE)
    assert lattice is not None
    places = np.rint(boxes[:, [1, 0]] / np.array(lattice.pitch)).astype(int)
    assert np.abs(places * lattice.pitch - boxes[:, [1, 0]]).max() <= 1.001
    values = lattice.score_map(boxes, scores)
    np.testing.assert_array_equal(values[places[:, 0], places[:, 1]], scores)
    assert np.isfinite(values).sum() == len(cells)


def test_neighbouring_tiles_determine_the_pitch_exactly():
    cells = [(row, column) for row in range(40) for column in range(60)]
    lattice = TileGrid.from_boxes(boxes_at(cells, 234.8387, 234.8387), SIZE)
    assert lattice is not None
    np.testing.assert_allclose(lattice.pitch, 234.8387, atol=0.03)


def test_the_cells_cover_the_whole_picture():
    lattice = TileGrid.from_boxes(boxes_at([(0, 0), (0, 1), (1, 0)], 100, 100), (450, 301))
    assert lattice == TileGrid((100.0, 100.0), (5, 3))  # a sliver of one pixel is rounding


def test_overlapping_tiles_are_averaged_over_the_cells_that_they_share():
    boxes = boxes_at([(0, 0), (0, 1)], 100, 200)
    lattice = TileGrid.from_boxes(boxes, (200, 400))
    assert lattice is not None
    values = lattice.score_map(boxes, np.array([0.2, 0.6], np.float32))
    np.testing.assert_allclose(values[0, :3], [0.2, 0.4, 0.6], atol=1e-6)


def test_a_single_distant_tile_has_its_own_cell():
    boxes = np.array([(50_003, 0, 235, 234)], np.int32)
    lattice = TileGrid.from_boxes(boxes, SIZE)
    assert lattice is not None
    values = lattice.score_map(boxes, np.array([0.5], np.float32))
    assert np.argwhere(np.isfinite(values)).tolist() == [[0, round(50_003 / lattice.pitch[1])]]


def test_scattered_regions_have_no_grid():
    boxes = np.random.default_rng(1).integers(0, 5_000, (200, 4)).astype(np.int32)
    boxes[:, 2:] = 50
    assert TileGrid.from_boxes(boxes, SIZE) is None


def test_regions_without_width_have_no_grid():
    assert TileGrid.from_boxes(np.array([[0, 0, 0, 50]], np.int32), SIZE) is None
