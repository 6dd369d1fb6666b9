"""Crop a picture around its centre."""

from collections.abc import Callable

import numpy as np
import pytest

from diascope.preprocessing.center_crop import CenterCrop
from diascope.sample import Sample

Make = Callable[..., Sample]
NUMBERED = np.arange(7 * 9).reshape(7, 9, 1).astype(np.uint16)


@pytest.mark.parametrize(
    ("size", "window"),
    [(3, (slice(2, 5), slice(3, 6))), ((5, 1), (slice(1, 6), slice(4, 5)))],
)
def test_the_window_lies_in_the_middle(make_sample: Make, size: object, window: object) -> None:
    pixels = CenterCrop(size)(make_sample(NUMBERED)).pixels  # type: ignore[arg-type]

    np.testing.assert_array_equal(pixels, NUMBERED[window])  # type: ignore[index]
    assert pixels.dtype == np.uint16


def test_a_side_that_is_too_short_is_kept_whole(make_sample: Make) -> None:
    assert CenterCrop((50, 3))(make_sample(NUMBERED)).pixels.shape == (7, 3, 1)


def test_a_small_picture_is_left_alone(make_sample: Make) -> None:
    sample = make_sample(NUMBERED)

    assert CenterCrop(50)(sample) is sample


def test_the_spacing_stays_and_the_trace_names_both_sizes(make_sample: Make) -> None:
    cropped = CenterCrop(3)(make_sample(NUMBERED, spacing_mm=(0.5, 0.5)))

    assert cropped.spacing_mm == (0.5, 0.5)
    assert cropped.trace == ("center-cropped 9x7 to 3x3",)


@pytest.mark.parametrize("size", [0, (4, 0)])
def test_a_size_below_1_is_refused(size: int | tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        CenterCrop(size)
