"""Heat maps of regions' scores: positions, values and colours."""

import io
import re

import matplotlib
import numpy as np
from PIL import Image

from diascope.pages.heat import heat_map, heat_png, ramp_css, viridis_colours


def boxes(*rows: tuple[int, int, int, int]) -> np.ndarray:
    return np.array(rows, np.int32).reshape(-1, 4)


def scores(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_a_region_covers_its_place_and_nothing_else() -> None:
    values = heat_map(boxes((200, 100, 100, 200)), scores(0.25), (400, 800), (4, 8))

    assert np.argwhere(np.isfinite(values)).tolist() == [[1, 2], [2, 2]]
    assert values[1, 2] == np.float32(0.25)


def test_regions_that_overlap_are_averaged() -> None:
    both = boxes((0, 0, 20, 10), (10, 0, 20, 10))
    values = heat_map(both, scores(0.2, 0.6), (10, 30), (1, 3))

    np.testing.assert_allclose(values, [[0.2, 0.4, 0.6]], rtol=1e-6)


def test_the_map_of_many_random_regions_is_that_of_painting_them_one_by_one() -> None:
    random = np.random.default_rng(0)
    many = np.c_[random.integers(0, 900, (300, 2)), random.integers(1, 300, (300, 2))].astype("i4")
    given = random.random(300).astype("f4")
    total, count = np.zeros((50, 40)), np.zeros((50, 40))
    for (x, y, width, height), score in zip(many.tolist(), given, strict=True):
        top, left = min(49, round(y / 20)), min(39, round(x / 25))
        bottom, right = max(top + 1, round((y + height) / 20)), round((x + width) / 25)
        part = np.s_[top:bottom, left : max(left + 1, right)]
        total[part] += score
        count[part] += 1
    with np.errstate(invalid="ignore"):
        expected = total / count

    values = heat_map(many, given, (1000, 1000), (50, 40))

    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_a_region_smaller_than_a_pixel_or_beyond_the_edge_is_still_seen() -> None:
    tiny, beyond = (0, 0, 1, 1), (990, 990, 100, 100)
    values = heat_map(boxes(tiny, beyond), scores(0.1, 0.9), (1000, 1000), (10, 10))

    np.testing.assert_allclose([values[0, 0], values[9, 9]], [0.1, 0.9], rtol=1e-6)
    assert np.isfinite(values).sum() == 2


def test_without_regions_the_map_is_empty() -> None:
    assert np.isnan(heat_map(boxes(), scores(), (10, 10), (4, 4))).all()


def test_a_png_is_opaque_where_there_are_regions_and_empty_elsewhere() -> None:
    values = np.array([[0.0, 1.0, np.nan, 7.0]], np.float32)
    image = Image.open(io.BytesIO(heat_png(values))).convert("RGBA")
    first, last = tuple(viridis_colours()[0].tolist()), tuple(viridis_colours()[-1].tolist())

    assert [image.getpixel((x, 0)) for x in (0, 1, 3)] == [
        (*first, 255),
        (*last, 255),
        (*last, 255),
    ]
    assert image.getpixel((2, 0))[3] == 0


def test_the_colours_are_those_of_matplotlib() -> None:
    viridis = matplotlib.colormaps["viridis"](np.linspace(0, 1, 255))[:, :3] * 255

    assert np.abs(viridis_colours() - viridis).max() < 4


def test_the_gradient_starts_and_ends_with_the_colours_of_the_map() -> None:
    stops = [tuple(bytes.fromhex(stop)) for stop in re.findall(r"#([0-9a-f]{6})", ramp_css())]

    assert stops[0] == tuple(viridis_colours()[0].tolist())
    assert stops[-1] == tuple(viridis_colours()[-1].tolist())
