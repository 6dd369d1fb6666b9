"""Macenko's stain normalisation."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from diascope.sample import Item, Sample
from diascope.testing import check_step
from diascope_pathology.macenko import Macenko, extreme_directions
from tests.refusals import refused

FOUND = np.array([[0.65, 0.70, 0.29], [0.15, 0.97, 0.17]])
FOUND = FOUND / np.linalg.norm(FOUND, axis=1, keepdims=True)


def amounts(seed: int = 0, side: int = 96) -> NDArray[np.float64]:
    """Return how much of the two stains each pixel holds, ``(side, side, 2)``."""
    random = np.random.default_rng(seed)
    held = random.gamma(2.0, 0.3, (side, side, 2))
    held[: side // 3, :, 1] = 0  # some pixels hold one stain only
    held[side // 3 : side // 2, :, 0] = 0
    return held


def tile(density: NDArray[np.float64]) -> Sample:
    return Sample(Item("a", "a"), np.exp(-density).astype(np.float32), range=(0.0, 1.0))


def angle(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the angle between two directions in degrees."""
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def test_it_keeps_the_contract_of_steps() -> None:
    check_step(Macenko())


def test_the_stains_that_a_tile_was_made_of_are_found() -> None:
    density = amounts().reshape(-1, 2) @ FOUND
    stains = extreme_directions(density, 1.0)

    assert [angle(*pair) < 0.5 for pair in zip(stains, FOUND, strict=True)] == [True, True]


def test_noise_moves_the_stains_by_few_degrees() -> None:
    density = amounts().reshape(-1, 2) @ FOUND
    density += np.random.default_rng(1).normal(0, 0.02, density.shape)
    stains = extreme_directions(density[density.mean(axis=1) > 0.15], 1.0)

    assert [angle(*pair) < 5 for pair in zip(stains, FOUND, strict=True)] == [True, True]


def test_the_directions_are_the_extreme_angles_in_the_plane_of_singular_vectors() -> None:
    density = np.random.default_rng(2).gamma(2.0, 0.3, (500, 3))
    _, _, vectors = np.linalg.svd(density, full_matrices=False)
    plane = vectors[:2] * np.sign(vectors[0].sum())
    angles = np.arctan2(density @ plane[1], density @ plane[0])
    low, high = np.percentile(angles, [5, 95])
    expected = [np.cos(end) * plane[0] + np.sin(end) * plane[1] for end in (low, high)]
    expected.sort(key=lambda stain: -stain[0])

    np.testing.assert_allclose(extreme_directions(density, 5), expected, atol=1e-9)


def test_a_tile_becomes_what_the_reference_stains_would_have_made_of_it() -> None:
    held = amounts()
    step = Macenko(light=1)
    normal = step(tile(held @ FOUND))
    density = held @ FOUND
    mask = density.mean(axis=2) >= step.threshold
    scaled = held * (np.array(step.strengths) / np.percentile(held[mask], 99, axis=0))
    expected = np.exp(-scaled @ np.array([step.haematoxylin, step.eosin]))

    np.testing.assert_allclose(normal.pixels, expected, atol=0.02)


def test_a_tile_normalised_to_its_own_stains_is_unchanged() -> None:
    held = amounts()
    before = tile(held @ FOUND)
    density = -np.log(before.pixels.astype(float))
    mask = density.mean(axis=2) >= 0.15
    stains = extreme_directions(density[mask], 1.0)
    strengths = np.percentile((density @ np.linalg.pinv(stains))[mask], 99, axis=0)
    own = Macenko(*map(tuple, stains.tolist()), tuple(strengths.tolist()), light=1)

    np.testing.assert_allclose(own(before).pixels, before.pixels, atol=1e-5)


def test_normalising_again_changes_little() -> None:
    step = Macenko(light=1)
    once = step(tile(amounts() @ FOUND))

    assert np.abs(step(once).pixels - once.pixels).mean() < 0.01


def test_two_laboratories_come_closer() -> None:
    held = amounts()
    pale = tile(0.6 * held @ np.array([[0.55, 0.75, 0.36], [0.25, 0.95, 0.2]]))
    dark = tile(held @ FOUND)
    before = np.abs(pale.pixels - dark.pixels).mean()
    step = Macenko(light=1)
    after = np.abs(step(pale).pixels - step(dark).pixels).mean()

    assert after < before / 5


def test_white_stays_white() -> None:
    held = amounts()
    held[-10:] = 0
    normal = Macenko()(tile(held @ FOUND))

    np.testing.assert_allclose(normal.pixels[-10:], 1, atol=1e-6)


def test_glass_that_is_not_white_becomes_white() -> None:
    held = amounts()
    held[-10:] = 0
    dull = tile(held @ FOUND - np.log(0.85))
    bright = tile(held @ FOUND)

    np.testing.assert_allclose(
        Macenko(light=0.85)(dull).pixels, Macenko(light=1)(bright).pixels, atol=1e-5
    )


def uniform(*level: int) -> NDArray[Any]:
    return np.full((20, 20, len(level)), level, np.uint8)


@pytest.mark.parametrize(
    ("pixels", "why"),
    [
        (uniform(250, 250, 250), "no tissue"),
        (uniform(150, 100, 160), "one stain only"),
        (uniform(90), "no colour"),
    ],
)
def test_a_tile_without_two_stains_is_unchanged_and_says_why(
    pixels: NDArray[Any], why: str
) -> None:
    same = Macenko()(Sample(Item("a", "a"), pixels))

    assert np.array_equal(same.pixels, pixels)
    assert same.trace == (f"macenko: {why}, left as it is",)


def test_the_trace_says_which_stains_were_found() -> None:
    (line,) = Macenko(light=1)(tile(amounts() @ FOUND)).trace

    assert line.startswith("macenko: haematoxylin (0.65, 0.70, 0.29) of ")


@pytest.mark.parametrize(
    "values",
    [
        {"threshold": 0},
        {"light": 0},
        {"percentile": 25},
        {"strengths": (0, 1)},
        {"eosin": (-1, 0, 0)},
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, Any]) -> None:
    assert f"{next(iter(values))} must be " in refused(Macenko, values)
