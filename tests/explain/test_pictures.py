"""Numbers as pictures for people."""

import tracemalloc

import numpy as np
import pytest

from diascope.explain.pictures import SIGNED, to_display_pixels
from diascope.pages.render import read_asset


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_picture_is_shown_from_its_smallest_number_to_its_largest(dtype: type) -> None:
    pixels = np.array([[[10, 20, 30], [40, 50, 60]]], dtype)
    assert to_display_pixels(pixels).tolist() == [[[0, 51, 102], [153, 204, 255]]]
    assert to_display_pixels(pixels[:, :, :1]).tolist() == [[[0] * 3, [255] * 3]]
    assert not to_display_pixels(np.full_like(pixels, 7)).any()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_large_picture_takes_few_bytes_for_each_number_that_is_shown(channels: int) -> None:
    pixels = np.zeros((1000, 3000, channels), np.uint8)
    tracemalloc.start()
    picture = to_display_pixels(pixels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * picture.size


def test_the_legend_of_maps_with_0_in_the_middle_has_their_very_colours() -> None:
    stops = ", ".join(f"rgb({red} {green} {blue})" for red, green, blue in SIGNED.tolist())
    assert f"linear-gradient(90deg, {stops})" in read_asset("explain.css")
