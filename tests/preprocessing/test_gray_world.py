"""Colour constancy by the grey-world assumption."""

from collections.abc import Callable

import numpy as np
import pytest

from diascope.preprocessing.gray_world import GrayWorld
from diascope.sample import Sample

Make = Callable[..., Sample]


@pytest.fixture
def warm(smooth: np.ndarray) -> np.ndarray:
    return np.rint(smooth * [0.9, 0.7, 0.5]).astype(np.uint8)


def test_the_means_of_the_channels_become_equal(make_sample: Make, warm: np.ndarray) -> None:
    balanced = GrayWorld()(make_sample(warm)).pixels.reshape(-1, 3).mean(axis=0)

    assert np.ptp(warm.reshape(-1, 3).mean(axis=0)) > 30
    assert np.ptp(balanced) < 0.5


def test_the_brightness_stays(make_sample: Make, warm: np.ndarray) -> None:
    assert GrayWorld()(make_sample(warm)).pixels.mean() == pytest.approx(warm.mean(), abs=0.5)


def test_each_channel_is_multiplied_by_one_gain(make_sample: Make, warm: np.ndarray) -> None:
    means = warm.reshape(-1, 3).mean(axis=0)
    expected = np.clip(warm * means.mean() / means, 0, 255)

    np.testing.assert_allclose(GrayWorld()(make_sample(warm)).pixels, expected, atol=0.51)


def test_values_that_become_too_bright_are_clipped_at_white(make_sample: Make) -> None:
    pixels = np.array([[[10, 200, 200], [10, 200, 200], [250, 200, 200]]], np.uint8)
    balanced = GrayWorld()(make_sample(pixels)).pixels

    assert balanced[0, 2, 0] == 255


@pytest.mark.parametrize(
    ("dtype", "white"), [(np.uint8, 255.0), (np.uint16, 65535.0), (np.float32, 1.0)]
)
def test_dtype_and_range_are_kept(
    make_sample: Make, warm: np.ndarray, dtype: type, white: float
) -> None:
    pixels = (warm / 255 * white).astype(dtype)
    balanced = GrayWorld()(make_sample(pixels, range=(0.0, white)))

    assert (balanced.pixels.dtype, balanced.range) == (dtype, (0.0, white))
    assert np.ptp(balanced.pixels.reshape(-1, 3).mean(axis=0)) < 0.005 * white


def test_a_grey_picture_is_left_alone(make_sample: Make, warm: np.ndarray) -> None:
    sample = make_sample(warm[:, :, :1])

    assert GrayWorld()(sample) is sample


def test_a_picture_with_a_black_channel_is_left_alone(make_sample: Make, warm: np.ndarray) -> None:
    sample = make_sample(warm * np.array([1, 0, 1], np.uint8))

    assert GrayWorld()(sample) is sample


def test_the_trace_names_the_gains(make_sample: Make) -> None:
    pixels = np.broadcast_to(np.array([50, 100, 150], np.uint8), (4, 4, 3))
    (note,) = GrayWorld()(make_sample(pixels)).trace

    assert note == "gray-world: red, green, blue times 2.00, 1.00, 0.67"
