"""Colour constancy by the shades-of-grey assumption."""

from collections.abc import Callable

import numpy as np
import pytest

from diascope.preprocessing.gray_world import GrayWorld
from diascope.preprocessing.shades_of_gray import ShadesOfGray
from diascope.sample import Sample
from tests.refusals import refused

Make = Callable[..., Sample]


@pytest.fixture
def warm(smooth: np.ndarray) -> np.ndarray:
    return np.rint(smooth * [0.8, 0.7, 0.5]).astype(np.uint8)


def test_power_1_is_grey_world(make_sample: Make, warm: np.ndarray) -> None:
    ours = ShadesOfGray(power=1)(make_sample(warm)).pixels

    np.testing.assert_array_equal(ours, GrayWorld()(make_sample(warm)).pixels)


@pytest.mark.parametrize("power", [2.0, 6.0])
def test_the_minkowski_means_become_equal(
    make_sample: Make, warm: np.ndarray, power: float
) -> None:
    sample = make_sample((warm / 255).astype(np.float32), range=(0.0, 1.0))
    balanced = ShadesOfGray(power)(sample).pixels.reshape(-1, 3).astype(float)
    means = (balanced**power).mean(axis=0) ** (1 / power)

    assert balanced.max() < 1
    np.testing.assert_allclose(means, means.mean(), rtol=1e-4)


def test_the_gains_are_those_of_the_formula(make_sample: Make, warm: np.ndarray) -> None:
    light = ((warm / 255.0).reshape(-1, 3) ** 6).mean(axis=0) ** (1 / 6)
    expected = np.clip(warm * light.mean() / light, 0, 255)

    np.testing.assert_allclose(ShadesOfGray()(make_sample(warm)).pixels, expected, atol=0.51)


@pytest.mark.parametrize("power", [1.0, 2.5, 300.0])
@pytest.mark.parametrize("span", [(0.0, 255.0), (16.0, 235.0), (0.0, 200.0)])
def test_8_bit_results_equal_the_computation_for_each_pixel(
    make_sample: Make, warm: np.ndarray, power: float, span: tuple[float, float]
) -> None:
    pixels = warm.clip(20, 200)
    short = ShadesOfGray(power)(make_sample(pixels, range=span)).pixels
    long = ShadesOfGray(power)(make_sample(pixels.astype(np.float32), range=span)).pixels

    assert np.abs(short - long).max() <= 0.51


def test_a_black_picture_is_left_alone(make_sample: Make) -> None:
    sample = make_sample(np.zeros((4, 4, 3), np.uint8))

    assert ShadesOfGray()(sample) is sample


@pytest.mark.parametrize("power", [0.5, 0, -1, float("inf"), float("nan")])
def test_a_power_below_1_or_without_end_is_refused(power: float) -> None:
    message = refused(ShadesOfGray, {"power": power})

    assert message == f"power must be a finite number of at least 1, got {power}"
