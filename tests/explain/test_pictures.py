"""Arrays as pictures."""

import tracemalloc

import numpy as np
import pytest

from diascope.explain.pictures import SIGNED, to_display_pixels
from diascope.pages.render import read_asset


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_picture_is_stretched_from_its_minimum_to_its_maximum(dtype: type) -> None:
    pixels = np.array([[[10, 20, 30], [40, 50, 60]]], dtype)
    assert to_display_pixels(pixels).tolist() == [[[0, 51, 102], [153, 204, 255]]]
    assert to_display_pixels(pixels[:, :, :1]).tolist() == [[[0] * 3, [255] * 3]]
    assert not to_display_pixels(np.full_like(pixels, 7)).any()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_large_picture_takes_little_extra_memory(channels: int) -> None:
    pixels = np.zeros((1000, 3000, channels), np.uint8)
    tracemalloc.start()
    picture = to_display_pixels(pixels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * picture.size


def test_the_legend_of_diverging_maps_has_their_colours() -> None:
    stops = ", ".join(f"rgb({red} {green} {blue})" for red, green, blue in SIGNED.tolist())
    assert f"linear-gradient(90deg, {stops})" in read_asset("explain.css")
