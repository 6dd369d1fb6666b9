"""Hairs are removed, lesions are not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from diascope.sample import Item, Sample
from diascope.testing import check_step
from diascope_derm.hair_removal import HairRemoval
from tests.refusals import refused

SKIN, DARK = (220, 170, 150), (60, 40, 30)


def skin() -> NDArray[np.uint8]:
    """Return even skin ``(150, 200, 3)`` with a round lesion of 40 pixels in the middle."""
    pixels = np.full((150, 200, 3), SKIN, np.uint8)
    rows, columns = np.ogrid[:150, :200]
    pixels[np.hypot(rows - 75, columns - 100) < 20] = (120, 70, 50)
    return pixels


def cleaned(pixels: NDArray[np.uint8]) -> Sample:
    return HairRemoval()(Sample(Item("a", "a"), pixels, range=(0.0, 255.0)))


def test_it_keeps_the_contract_of_steps() -> None:
    check_step(HairRemoval())


@pytest.mark.parametrize("slope", [0.0, 0.4, 1.0, -2.0])
def test_a_hair_of_any_direction_takes_the_colour_of_the_skin_beside_it(slope: float) -> None:
    pixels = skin()
    for column in np.arange(0, 60, 0.1):
        row = round(20 + slope * column)
        if 0 <= row < 147:
            pixels[row : row + 2, int(column)] = DARK
    after = cleaned(pixels)

    difference = np.abs(after.pixels.astype(int) - skin())[2:-2, 2:-2]
    assert (difference.max(axis=2) <= 3).mean() > 0.99
    assert "painted over" in after.trace[-1]


def test_lesions_dots_and_wide_bands_stay_as_they_are() -> None:
    pixels = skin()
    pixels[10:14, 10:14] = DARK
    pixels[130:145, :] = DARK

    after = cleaned(pixels)

    np.testing.assert_array_equal(after.pixels, pixels)
    assert after.trace[-1] == "hair-removal: no hair found"


def test_hairs_of_a_large_picture_are_found_too() -> None:
    pixels = skin().repeat(5, 0).repeat(5, 1)[:-3, :-2]
    pixels[50:60, 100:800] = DARK
    after = cleaned(pixels)

    assert np.abs(after.pixels[50:60, 150:750].astype(int) - SKIN).max() <= 3
    np.testing.assert_array_equal(after.pixels[100:], pixels[100:])


@pytest.mark.parametrize("wrong", [{"width": 0.1}, {"length": 0.5}, {"contrast": -0.1}])
def test_shares_that_are_none_of_a_hair_are_refused(wrong: dict[str, float]) -> None:
    assert "must be a number above 0 and below " in refused(HairRemoval, wrong)
