"""How much of a map lies inside a mask."""

from collections.abc import Callable

import numpy as np
import pytest

from diascope.errors import ReadError
from diascope.evaluation.evidence_masks import localisation_metrics, transform_mask
from diascope.inference_trace import apply_steps
from diascope.preprocessing.center_crop import CenterCrop
from diascope.preprocessing.gray_world import GrayWorld
from diascope.preprocessing.resize import Resize
from diascope.sample import Sample
from tests.fakes import step

STEPS = [
    step("gray-world", GrayWorld()),
    step("resize", Resize(32, fit="crop")),
    step("center-crop", CenterCrop(24)),
]


def masks(share: float = 0.25) -> np.ndarray:
    mask = np.zeros((32, 32), bool)
    mask[: round(32 * share)] = True
    return mask


def test_a_mask_moves_as_its_picture_does(make_sample: Callable[..., Sample]) -> None:
    pixels = np.full((80, 120, 3), 20, np.uint8)
    pixels[30:50, 50:80] = 220
    mask = np.where(pixels[:, :, :1] > 100, 255, 0).astype(np.uint8)
    last, stages = apply_steps(make_sample(pixels), STEPS)
    inside = transform_mask(make_sample(mask), stages, STEPS)

    assert inside.shape == (24, 24)
    assert inside.any()
    assert np.array_equal(inside, last.unit().mean(axis=2) > last.unit().mean(axis=2).mean() * 2)


def test_a_mask_of_another_size_is_refused(make_sample: Callable[..., Sample]) -> None:
    _, stages = apply_steps(make_sample(np.zeros((80, 120, 3), np.uint8)), STEPS)

    with pytest.raises(ReadError, match="not have the picture's size"):
        transform_mask(make_sample(np.full((8, 8, 1), 255, np.uint8)), stages, STEPS)


def test_an_unknown_step_that_changes_the_size_is_refused(
    make_sample: Callable[..., Sample],
) -> None:
    def halve(sample: Sample) -> Sample:
        return sample.changed(sample.pixels[::2, ::2], "halved")

    steps = [step("halve", halve)]
    _, stages = apply_steps(make_sample(np.zeros((8, 8, 3), np.uint8)), steps)

    with pytest.raises(ReadError, match="cannot follow the step halve"):
        transform_mask(make_sample(np.full((8, 8, 1), 255, np.uint8)), stages, steps)


def test_a_mask_that_is_cut_away_is_refused(make_sample: Callable[..., Sample]) -> None:
    _, stages = apply_steps(make_sample(np.zeros((80, 120, 3), np.uint8)), STEPS)

    with pytest.raises(ReadError, match="no part of its mask is left"):
        transform_mask(make_sample(np.zeros((80, 120, 1), np.uint8)), stages, STEPS)


def test_all_energy_of_the_mask_itself_lies_inside() -> None:
    mask = masks()
    figures = localisation_metrics(mask.astype(np.float32), mask)

    assert (figures["energy"], figures["pointing"], figures["area"]) == (1, 1, 0.25)


def test_evidence_against_a_label_does_not_count() -> None:
    mask = masks()
    figures = localisation_metrics(np.where(mask, 1, -5).astype(np.float32), mask)

    assert figures["energy"] == 1


def test_random_maps_have_the_masks_fraction_of_the_area() -> None:
    random, mask = np.random.default_rng(0), masks(0.375)
    found = [
        localisation_metrics(random.normal(size=(32, 32)).astype(np.float32), mask)
        for _ in range(400)
    ]

    assert np.mean([each["energy"] for each in found]) == pytest.approx(0.375, abs=0.01)
    assert np.mean([each["pointing"] for each in found]) == pytest.approx(0.375, abs=0.06)


def test_the_gaussian_favours_the_middle() -> None:
    middle = np.zeros((32, 32), bool)
    middle[8:24, 8:24] = True
    figures = localisation_metrics(np.ones((4, 4), np.float32), middle)

    assert figures["energy"] == pytest.approx(0.25)
    assert figures["energy_gaussian"] == pytest.approx(0.6827**2 / 0.9545**2, abs=0.01)
    assert figures["pointing_gaussian"] == 1
    assert figures["energy_gain"] == figures["energy"] - figures["energy_gaussian"]


def test_a_map_without_evidence_has_no_energy() -> None:
    assert np.isnan(localisation_metrics(-np.ones((4, 4), np.float32), masks())["energy"])


@pytest.mark.parametrize("level", [0.0, -1.0])
def test_a_map_without_positive_evidence_points_nowhere(level: float) -> None:
    mask = np.zeros((32, 32), bool)
    mask[:4, :4] = True  # where the first of equal places lies
    figures = localisation_metrics(np.full((4, 4), level, np.float32), mask)

    assert np.isnan([figures["energy"], figures["pointing"], figures["pointing_gain"]]).all()
