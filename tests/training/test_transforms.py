"""What cameras and archives do to a picture."""

import pytest
import torch

from diascope.errors import RecipeError
from diascope.training.augment import Augmentation

SHADES = torch.linspace(0.2, 0.8, 32 * 32).reshape(1, 32, 32)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_loses_more_at_lower_quality(channels: int) -> None:
    picture = (SHADES + 0.1 * torch.rand(channels, 32, 32)).clamp(0, 1)

    def loss(quality: int) -> float:
        chain = Augmentation(({"RandJPEG": {"prob": 1, "quality": [quality, quality]}},), "")
        return float((chain(picture.clone(), 0) - picture).abs().mean())

    assert 0 < loss(95) < loss(10) < 0.2


def test_a_vignette_darkens_the_corners_and_not_the_middle() -> None:
    values = {"prob": 1, "radius": [0.9, 0.9], "strength": [1, 1]}
    changed = Augmentation(({"RandVignette": values},), "")(torch.ones(3, 64, 64), 0)

    assert changed[:, 24:40, 24:40].min() == 1
    assert changed[:, [0, 0, -1, -1], [0, -1, 0, -1]].max() < 0.2


@pytest.mark.parametrize(
    "entry",
    [{"RandJPEG": {"quality": [0, 50]}}, {"RandVignette": {"strength": [0.5, 2]}}],
)
def test_values_out_of_range_are_refused(entry: dict[str, dict[str, list[float]]]) -> None:
    with pytest.raises(RecipeError, match="Rand"):
        Augmentation((entry,), "r.yaml:3")
