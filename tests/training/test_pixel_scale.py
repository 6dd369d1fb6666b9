"""Filters that were trained on pixels of another scale are loaded with a warning."""

import json
from pathlib import Path
from typing import Any

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
def test_torchxrayvision_s_pixels_are_noticed_unless_their_mean_and_std_are_stated(
    tmp_path: Path, grey: torch.Tensor, channels: int
) -> None:
    file = saved(tmp_path / "xrv.pth", trained_on(512 * grey).state_dict())

    (warning,) = (line for line in begin(new(channels), file).lines() if "warning" in line)
    assert "00 times as large as" in warning
    assert "`mean` and `std` of their pixels (TorchXRayVision: mean: 0.5, std: 0.000488" in warning
    assert begin(new(channels), file, mean=0.5, std=0.25 / 512).warnings == ()


def test_a_std_that_the_file_does_not_need_is_noticed(tmp_path: Path, grey: torch.Tensor) -> None:
    file = saved(tmp_path / "w.pth", trained_on(grey).state_dict())

    assert begin(new(1), file).warnings == ()
    assert "about 0.00" in begin(new(1), file, std=0.25 / 512).warnings[0]


@pytest.mark.parametrize(("dead", "normed"), [(1, 4), (4, 4), (0, 6)])
def test_filters_of_zeros_and_a_normalisation_of_others_raise_no_doubt(
    dead: int, normed: int
) -> None:
    filters, variance = torch.rand(4, 1, 3, 3), torch.rand(normed)
    filters[:dead], variance[:dead] = 0, 0
    assert scale_warnings({"conv.weight": filters, "norm.running_var": variance}, (0.25,)) == []


def bundle(folder: Path, stated: Any) -> Path:
    (folder / "models").mkdir()
    (folder / "configs").mkdir()
    saved(folder / "models/model.pt", tiny().state_dict())
    inputs = {"mask": {"num_channels": 1}, "image": {"value_range": stated}}
    metadata = {"network_data_format": {"inputs": inputs}}
    (folder / "configs/metadata.json").write_text(json.dumps(metadata))
    return folder


@pytest.mark.parametrize(
    ("stated", "fits"),
    [([0, 1], (0.0, 1.0)), ([-1024, 1024], (0.5, 1 / 2048)), ([0, 255], (0.0, 1 / 255))],
)
def test_the_pixel_values_that_a_bundle_states_are_compared(
    tmp_path: Path, stated: list[float], fits: tuple[float, float]
) -> None:
    mean, std = fits
    file = bundle(tmp_path, stated)
    (warning,) = (each for each in begin(new(), file).warnings if "metadata.json" in each)

    assert f"states pixel values from {stated[0]} to {stated[1]}" in warning
    assert "they will be from -2 to 2; " in warning
    assert f"`mean: {mean:g}, std: {std:.12g}` in `start:`" in warning
    assert not any("metadata.json" in each for each in begin(new(), file, mean, std).warnings)
    inside = begin(new(), file / "models/model.pt").warnings
    assert warning in inside


@pytest.mark.parametrize("stated", [None, [], [0], ["a", "b"], [1, 0], [0, float("inf")], 7, {}])
def test_a_bundle_that_states_no_range_raises_no_doubt(tmp_path: Path, stated: Any) -> None:
    assert begin(new(), bundle(tmp_path, stated)).warnings == ()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"network_data_format": {"inputs": [1]}}'])
def test_metadata_that_cannot_be_read_raise_no_doubt(tmp_path: Path, text: str) -> None:
    file = bundle(tmp_path, [0, 1])
    (file / "configs/metadata.json").write_text(text)

    assert begin(new(), file).warnings == ()
