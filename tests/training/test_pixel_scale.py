"""Filters that were trained on pixels of another scale are loaded with a warning."""

from pathlib import Path

import pytest
import torch
from torch import nn

from diascope.training.pixel_scale import scale_warnings
from tests.training.other_projects import begin, new, saved, tiny


def trained_on(pixels: torch.Tensor) -> nn.Module:
    """Return a network whose normalisations have seen these pixels, as after a training."""
    network = tiny(channels=1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    network.train()(pixels)
    return network


@pytest.fixture
def grey() -> torch.Tensor:
    """Return pictures of coarse structure, of mean 0 and deviation 1."""
    coarse = torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    return nn.functional.interpolate(coarse, size=64, mode="nearest")


@pytest.mark.parametrize("channels", [1, 3])
def test_torchxrayvision_s_pixels_are_noticed_unless_their_scale_is_said(
    tmp_path: Path, grey: torch.Tensor, channels: int
) -> None:
    file = saved(tmp_path / "xrv.pth", trained_on(512 * grey).state_dict())

    (warning,) = (line for line in begin(new(channels), file).lines() if "warning" in line)
    assert "00 times ours" in warning
    assert "TorchXRayVision: 512" in warning
    assert begin(new(channels), file, scale=512).warnings == ()


def test_a_scale_that_the_file_does_not_need_is_noticed(tmp_path: Path, grey: torch.Tensor) -> None:
    file = saved(tmp_path / "w.pth", trained_on(grey).state_dict())

    assert begin(new(1), file).warnings == ()
    assert "about 0.00" in begin(new(1), file, scale=512).warnings[0]


@pytest.mark.parametrize(("dead", "normed"), [(1, 4), (4, 4), (0, 6)])
def test_filters_of_zeros_and_a_normalisation_of_others_raise_no_doubt(
    dead: int, normed: int
) -> None:
    filters, variance = torch.rand(4, 1, 3, 3), torch.rand(normed)
    filters[:dead], variance[:dead] = 0, 0
    assert scale_warnings({"conv.weight": filters, "norm.running_var": variance}) == []
