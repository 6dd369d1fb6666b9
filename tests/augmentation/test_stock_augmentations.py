"""Random effects of cameras, scanners and archives."""

import pytest
import torch

from diascope.errors import RecipeError
from diascope.training.augment import AugmentationChain

SHADES = torch.linspace(0.2, 0.8, 32 * 32).reshape(1, 32, 32)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_loses_more_at_lower_quality(channels: int) -> None:
    picture = (SHADES + 0.1 * torch.rand(channels, 32, 32)).clamp(0, 1)

    def loss(quality: int) -> float:
        chain = AugmentationChain(({"RandJPEG": {"prob": 1, "quality": [quality, quality]}},), "")
        return float((chain(picture.clone(), 0) - picture).abs().mean())

    assert 0 < loss(95) < loss(10) < 0.2


def test_a_vignette_darkens_the_corners_and_not_the_middle() -> None:
    values = {"prob": 1, "radius": [0.9, 0.9], "strength": [1, 1]}
    changed = AugmentationChain(({"RandVignette": values},), "")(torch.ones(3, 64, 64), 0)

    assert changed[:, 24:40, 24:40].min() == 1
    assert changed[:, [0, 0, -1, -1], [0, -1, 0, -1]].max() < 0.2


def chroma(picture: torch.Tensor, **values: float) -> torch.Tensor:
    return AugmentationChain(({"RandChroma": {"prob": 1, **values}},), "")(picture, 1)


def test_another_chroma_leaves_greys_and_brightness() -> None:
    colours = 0.3 + 0.4 * torch.rand(3, 16, 16)
    luma = torch.tensor([0.299, 0.587, 0.114])
    changed = chroma(colours.clone(), saturation=0.2, hue=0.05)

    assert (changed - colours).abs().mean() > 0.01
    brightness = [torch.einsum("i,ihw->hw", luma, each) for each in (changed, colours)]
    torch.testing.assert_close(*brightness, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        chroma(SHADES.repeat(3, 1, 1)), SHADES.repeat(3, 1, 1), atol=1e-5, rtol=0
    )


def test_saturation_stretches_the_distance_from_grey_alone() -> None:
    colour = torch.tensor([0.6, 0.4, 0.5])[:, None, None].repeat(1, 4, 4)
    grey = float(torch.tensor([0.299, 0.587, 0.114]) @ colour[:, 0, 0])
    stretched = (chroma(colour.clone(), saturation=0.5, hue=0)[:, 0, 0] - grey) / (
        colour[:, 0, 0] - grey
    )

    assert 0.5 <= float(stretched[0]) <= 1.5
    assert float(stretched[0]) != pytest.approx(1, abs=0.01)
    torch.testing.assert_close(stretched, stretched[:1].repeat(3), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    "entry",
    [
        {"RandJPEG": {"quality": [0, 50]}},
        {"RandVignette": {"strength": [0.5, 2]}},
        {"RandChroma": {"hue": 0.6}},
        {"RandChroma": {"saturation": 2}},
    ],
)
def test_values_out_of_range_are_refused(entry: dict[str, dict[str, list[float]]]) -> None:
    with pytest.raises(RecipeError, match=r"quality|strength|hue|saturation"):
        AugmentationChain((entry,), "r.yaml:3")
