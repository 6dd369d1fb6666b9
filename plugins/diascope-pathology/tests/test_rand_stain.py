"""Augmentation with other laboratories' stains."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.random import RandomState
from skimage.color import hed_from_rgb

from diascope.errors import RecipeError
from diascope.training.augment import AugmentationChain
from diascope_pathology.rand_stain import RandStain

PICTURE = np.random.default_rng(0).uniform(0.1, 0.9, (3, 8, 8)).astype(np.float32)


def stains(picture: Any) -> Any:
    """Return haematoxylin, eosin and residual ``(64, 3)`` by the paper's formula."""
    return -np.log(picture.reshape(3, -1).T.astype(float)) @ hed_from_rgb


def test_every_stain_is_stretched_and_shifted_as_the_paper_says() -> None:
    before, after = stains(PICTURE), stains(RandStain(1, 0.2)(PICTURE, RandomState(3)))
    slopes, shifts = [], []
    for channel in range(3):
        slope, shift = np.polyfit(before[:, channel], after[:, channel], 1)
        slopes.append(slope)
        shifts.append(shift)
        fitted = slope * before[:, channel] + shift
        np.testing.assert_allclose(after[:, channel], fitted, atol=1e-4)

    assert all(0.8 <= slope <= 1.2 for slope in slopes)
    assert all(-0.2 <= shift <= 0.2 for shift in shifts)
    assert len(set(slopes)) == len(set(shifts)) == 3


def test_with_strength_0_the_picture_is_unchanged() -> None:
    same = RandStain(1, 0)(PICTURE, RandomState(0))

    np.testing.assert_allclose(same, PICTURE, atol=1e-5)


def test_the_picture_that_was_given_is_not_written_to() -> None:
    before = PICTURE.copy()
    RandStain(1, 0.2)(PICTURE, RandomState(0))

    assert np.array_equal(PICTURE, before)


def test_it_is_as_frequent_as_asked() -> None:
    step, random = RandStain(0.3, 0.2), RandomState(0)
    changed = sum(step(PICTURE, random) is not PICTURE for _ in range(1000))

    assert 250 < changed < 350


def test_a_training_recipe_names_it_and_the_same_seed_gives_the_same_picture() -> None:
    chain = AugmentationChain(({"RandStain": {"prob": 1.0, "strength": 0.2}}, "RandFlip"), "r.yaml")
    picture = torch.from_numpy(PICTURE)
    first, other, again = (chain(picture.clone(), seed) for seed in (5, 6, 5))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert (first.dtype, first.shape) == (torch.float32, picture.shape)


@pytest.mark.parametrize("values", [{"strength": 2}, {"strength": "much"}, {"sigma": 0.1}, 5])
def test_wrong_parameters_are_refused(values: Any) -> None:
    with pytest.raises(RecipeError):
        AugmentationChain(({"RandStain": values},), "r.yaml")


def test_a_grey_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="3 channels"):
        RandStain()(PICTURE[:1], RandomState(0))
