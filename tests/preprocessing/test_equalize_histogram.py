"""Equalise the histogram of a whole picture."""

from collections.abc import Callable

import numpy as np
import pytest
from skimage.color import rgb2hsv

from diascope.preprocessing.equalize_histogram import EqualizeHistogram
from diascope.sample import Sample

Make = Callable[..., Sample]


def test_all_grey_levels_become_equally_frequent(make_sample: Make, smooth: np.ndarray) -> None:
    even = EqualizeHistogram()(make_sample(np.rint(100 + smooth[:, :, :1] / 5).astype(np.uint8)))
    shares = np.quantile(even.pixels / 255, [0.1, 0.25, 0.5, 0.75, 0.9])
    np.testing.assert_allclose(shares, [0.1, 0.25, 0.5, 0.75, 0.9], atol=0.06)


def test_exposures_that_keep_the_order_of_grey_levels_give_the_same_picture(
    make_sample: Make, smooth: np.ndarray
) -> None:
    unit = smooth[:, :, :1].astype(np.float32) / 255
    dark, bright = (
        EqualizeHistogram()(make_sample(shown, range=(0.0, 1.0))).pixels
        for shown in (unit**1.5, 0.2 + 0.7 * unit)
    )
    assert np.abs(dark - bright).max() < 0.02


def test_the_hue_of_a_colour_picture_stays(make_sample: Make, smooth: np.ndarray) -> None:
    hues = [
        rgb2hsv(pixels)[:, :, 0]
        for pixels in (smooth, EqualizeHistogram()(make_sample(smooth)).pixels)
    ]
    apart = np.abs(hues[0] - hues[1])
    assert np.median(np.minimum(apart, 1 - apart)) < 0.01


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255.0), (np.uint16, 65535.0)])
def test_dtype_range_and_trace_are_kept(
    make_sample: Make, smooth: np.ndarray, dtype: type, white: float
) -> None:
    pixels = (smooth / 255 * white).astype(dtype)
    even = EqualizeHistogram()(make_sample(pixels, range=(0.0, white)))
    assert (even.pixels.dtype, even.pixels.shape, even.range) == (dtype, pixels.shape, (0, white))
    assert even.trace == ("histogram equalised",)


def test_a_black_picture_stays_finite(make_sample: Make) -> None:
    even = EqualizeHistogram()(make_sample(np.zeros((8, 8, 1), np.uint8)))
    assert np.isfinite(even.pixels).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_rounding_errors_of_a_uniform_picture_are_not_equalised(
    make_sample: Make, channels: int
) -> None:
    white = np.ones((8, 8, channels), np.float32)
    rounded = white.copy()
    rounded[::2] -= 2.0**-24
    for pixels in (white, rounded):
        even = EqualizeHistogram()(make_sample(pixels, range=(0.0, 1.0)))
        np.testing.assert_allclose(even.pixels, 0.5, atol=0.001)


def test_a_value_that_is_no_number_is_not_hidden(make_sample: Make) -> None:
    pixels = np.ones((8, 8, 1), np.float32)
    pixels[0, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        EqualizeHistogram()(make_sample(pixels, range=(0.0, 1.0)))
