"""Equalise local contrast."""

from collections.abc import Callable

import numpy as np
import pytest
from skimage.color import rgb2hsv
from skimage.exposure import equalize_adapthist

from diascope.preprocessing.equalize import Equalize
from diascope.sample import Sample
from tests.refusals import refused

Make = Callable[..., Sample]


def flat(smooth: np.ndarray) -> np.ndarray:
    """Return the picture with a fifth of its contrast."""
    return np.rint(100 + smooth / 5).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_result_is_that_of_scikit_image(
    make_sample: Make, smooth: np.ndarray, channels: int
) -> None:
    pixels = flat(smooth)[:, :, :channels]
    unit = (pixels / 255).astype(np.float32)
    expected = equalize_adapthist(np.squeeze(unit), clip_limit=0.02).reshape(unit.shape) * 255

    ours = Equalize(clip_limit=0.02)(make_sample(pixels)).pixels
    np.testing.assert_allclose(ours, expected, atol=0.51)


def test_the_contrast_grows(make_sample: Make, smooth: np.ndarray) -> None:
    pixels = flat(smooth)[:, :, :1]

    assert Equalize()(make_sample(pixels)).pixels.std() > 1.5 * pixels.std()


def test_the_hue_stays(make_sample: Make, smooth: np.ndarray) -> None:
    pixels = flat(smooth)
    hues = [rgb2hsv(p)[:, :, 0] for p in (pixels, Equalize()(make_sample(pixels)).pixels)]
    apart = np.abs(hues[0] - hues[1])

    assert np.median(np.minimum(apart, 1 - apart)) < 0.01


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255.0), (np.uint16, 65535.0)])
def test_dtype_and_range_are_kept(
    make_sample: Make, smooth: np.ndarray, dtype: type, white: float
) -> None:
    pixels = (smooth / 255 * white).astype(dtype)
    even = Equalize()(make_sample(pixels, range=(0.0, white)))

    assert (even.pixels.dtype, even.pixels.shape, even.range) == (dtype, pixels.shape, (0, white))
    assert even.pixels.max() > 0.9 * white


def test_the_trace_names_the_clip_limit(make_sample: Make, smooth: np.ndarray) -> None:
    assert Equalize(0.5)(make_sample(smooth)).trace == ("contrast equalised (clip limit 0.5)",)


@pytest.mark.parametrize("limit", [-0.1, 1.1])
def test_a_clip_limit_outside_0_and_1_is_refused(limit: float) -> None:
    message = refused(Equalize, {"clip_limit": limit})

    assert message == f"clip_limit must be a number from 0 to 1, got {limit}"
