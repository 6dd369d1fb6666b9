"""Levels: the factor by which each was reduced, and which one is read."""

import pytest

from diascope_slides.slide import level_for, pyramid_levels


@pytest.mark.parametrize("size", [(162, 125), (163, 125)])
def test_rounded_sizes_give_an_integer_factor(size: tuple[int, int]) -> None:
    levels = pyramid_levels([(1300, 1000), size])

    assert levels[1].downsample == (8, 8)


def test_a_non_integer_factor_is_the_ratio_of_the_sides() -> None:
    assert pyramid_levels([(3000, 2000), (2000, 1600)])[1].downsample == (1.5, 1.25)


@pytest.mark.parametrize(
    ("scale", "level"), [(0.5, 0), (1, 0), (1.9, 0), (1.999, 1), (2, 1), (3.9, 1), (4, 2), (99, 2)]
)
def test_the_nearest_finer_or_equal_level_is_read(scale: float, level: int) -> None:
    levels = pyramid_levels([(1200, 1200), (600, 600), (300, 300)])

    assert level_for(levels, (scale, scale)) == level


def test_a_level_of_nearly_the_same_size_does_not_replace_the_exact_one() -> None:
    levels = pyramid_levels([(256, 256), (255, 255)])

    assert [level_for(levels, level.downsample) for level in levels] == [0, 1]
