"""Reinhard's stain normalisation."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from diascope.sample import Item, Sample
from diascope.testing import check_step
from diascope_pathology.reinhard import Reinhard, from_lab, to_lab
from tests.refusals import refused


def tile() -> Sample:
    """Return pinkish tissue with a band of glass below."""
    random = np.random.default_rng(0)
    pixels = random.normal((0.6, 0.4, 0.65), 0.08, (60, 60, 3)).clip(0.05, 0.8)
    pixels[50:] = 1
    return Sample(Item("a", "a"), pixels.astype(np.float32), range=(0.0, 1.0))


def test_it_keeps_the_contract_of_steps() -> None:
    check_step(Reinhard())


def test_l_alpha_and_beta_are_those_of_the_paper() -> None:
    red, green, blue = 0.5, 0.25, 0.8
    long = 0.3811 * red + 0.5783 * green + 0.0402 * blue
    medium = 0.1967 * red + 0.7244 * green + 0.0782 * blue
    short = 0.0241 * red + 0.1288 * green + 0.8444 * blue
    logs = [np.log(255 * light) for light in (long, medium, short)]
    expected = [
        (logs[0] + logs[1] + logs[2]) / np.sqrt(3),
        (logs[0] + logs[1] - 2 * logs[2]) / np.sqrt(6),
        (logs[0] - logs[1]) / np.sqrt(2),
    ]

    np.testing.assert_allclose(to_lab(np.array([[red, green, blue]]))[0], expected)


def test_the_way_back_is_the_inverse_and_what_the_paper_prints_but_for_its_rounding() -> None:
    printed = [[4.4679, -3.5873, 0.1193], [-1.2186, 2.3809, -0.1624], [0.0497, -0.2439, 1.2045]]
    colours = np.random.default_rng(1).uniform(0.1, 1, (20, 3))
    lab = to_lab(colours)
    logs = lab / np.sqrt([3, 6, 2]) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])

    np.testing.assert_allclose(from_lab(lab), colours, atol=1e-9)
    np.testing.assert_allclose(np.exp(logs) @ np.transpose(printed) / 255, colours, atol=0.01)


def test_the_tissue_gets_the_mean_and_the_deviation_of_the_reference() -> None:
    step = Reinhard(mean=(8.3, -0.1, 0.04), deviation=(0.2, 0.04, 0.01))
    colours = to_lab(step(tile()).pixels[:50].reshape(-1, 3).astype(float))

    np.testing.assert_allclose(colours.mean(axis=0), step.mean, atol=0.01)
    np.testing.assert_allclose(colours.std(axis=0), step.deviation, rtol=0.02)


def test_a_tile_normalised_to_its_own_statistics_is_unchanged() -> None:
    before = tile()
    colours = to_lab(before.pixels[:50].reshape(-1, 3).astype(float))
    mean, deviation = colours.mean(axis=0).tolist(), colours.std(axis=0).tolist()
    after = Reinhard(tuple(mean), tuple(deviation))(before)

    np.testing.assert_allclose(after.pixels, before.pixels, atol=1e-5)


def test_white_stays_white() -> None:
    assert np.all(Reinhard()(tile()).pixels[50:] == 1)


@pytest.mark.parametrize(("channels", "why"), [(3, "no tissue"), (1, "no colour")])
def test_a_tile_without_stain_is_unchanged_and_says_why(channels: int, why: str) -> None:
    pixels = np.full((20, 20, channels), 240, np.uint8)
    same = Reinhard()(Sample(Item("a", "a"), pixels))

    assert np.array_equal(same.pixels, pixels)
    assert same.trace == (f"reinhard: {why}, left as it is",)


def test_one_colour_alone_becomes_the_mean_of_the_reference() -> None:
    pixels: NDArray[Any] = np.full((20, 20, 3), (150, 100, 160), np.uint8)
    changed = Reinhard()(Sample(Item("a", "a"), pixels)).pixels
    expected = from_lab(np.array([Reinhard().mean]))[0] * 255

    np.testing.assert_allclose(changed[0, 0], expected, atol=0.6)


@pytest.mark.parametrize("values", [{"threshold": 0}, {"deviation": (-1, 0, 0)}])
def test_values_out_of_range_are_refused(values: dict[str, Any]) -> None:
    assert f"{next(iter(values))} must be " in refused(Reinhard, values)
