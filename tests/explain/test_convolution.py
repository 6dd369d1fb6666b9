"""The arithmetic of one convolution equals PyTorch's."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import torch
from torch import nn

from diascope.explain.call_trace import capture_activations
from diascope.explain.convolution import Convolution, reconstruct_convolution, weighted_sum_at
from tests.explain.networks import make_network

PLAIN: list[dict[str, Any]] = [
    {"kernel_size": 3},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": (2, 3), "stride": (1, 2), "padding": (0, 1), "bias": False},
    {"kernel_size": 3, "dilation": 2, "padding": 2},
    {"kernel_size": 3, "padding": "same"},
    {"kernel_size": 3, "groups": 2},
    {"kernel_size": 3, "groups": 4, "padding": 1},
]
TRANSPOSED: list[dict[str, Any]] = [
    {"kernel_size": 3},
    {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1},
    {"kernel_size": 3, "dilation": 2},
    {"kernel_size": 2, "stride": 2, "groups": 2},
]
LAYERS = [nn.Conv2d(4, 8, **each) for each in PLAIN]
LAYERS_TRANSPOSED = [nn.ConvTranspose2d(4, 8, **each) for each in TRANSPOSED]


def capture_convolution(module: nn.Module, side: int = 7) -> Convolution:
    batch = torch.randn(1, 4, side, side, generator=torch.Generator().manual_seed(1))
    found = reconstruct_convolution(module, capture_activations(module, batch, [module])[module])
    assert found is not None
    return found


def positions(found: Convolution) -> Iterator[tuple[int, int, int]]:
    yield from product(*map(range, found.output.shape))


@pytest.mark.parametrize("layer", [*LAYERS, *LAYERS_TRANSPOSED], ids=str)
def test_every_filter_at_every_position_equals_pytorch(layer: nn.Module) -> None:
    found = capture_convolution(layer)
    sums = [weighted_sum_at(found, *place).value for place in positions(found)]

    assert sums == pytest.approx(found.output.ravel().tolist(), rel=1e-4, abs=1e-5)


def test_padding_that_a_network_adds_in_its_own_code_is_found() -> None:
    stem = make_network("efficientnet-lite0").backbone.get_submodule("conv_stem")
    batch = torch.randn(1, 3, 9, 8)
    found = reconstruct_convolution(stem, capture_activations(stem, batch, [stem])[stem])

    assert found is not None
    assert found.start == (-1, 0)


def test_a_convolution_with_reflection_padding_is_not_reconstructed() -> None:
    layer = nn.Conv2d(4, 2, 3, padding=1, padding_mode="reflect")
    batch = torch.randn(1, 4, 7, 7)

    assert reconstruct_convolution(layer, capture_activations(layer, batch, [layer])[layer]) is None


def test_the_patch_is_0_outside_of_the_picture() -> None:
    found = capture_convolution(nn.Conv2d(4, 2, 3, padding=1))

    assert weighted_sum_at(found, 0, 0, 0).patch[:, 0].tolist() == [[0] * 3] * 4
    assert weighted_sum_at(found, 0, 1, 1).patch[:, 0, 0].tolist() == found.inputs[:, 0, 0].tolist()
