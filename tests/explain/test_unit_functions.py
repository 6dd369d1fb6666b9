"""Identifying the functions after a convolution."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from diascope.explain.call_trace import Call, capture_activations, trace_calls
from diascope.explain.convolution import reconstruct_convolution, weighted_sum_at
from diascope.explain.unit_functions import (
    Pooling,
    UnitFunctions,
    following_modules,
    identify_unit_functions,
)
from diascope.plugin_creation import make_backbone
from tests.explain.networks import make_batch, make_network


class InlineNonlinearity(nn.Module):
    """Applies its nonlinearity in its own code, not as a module."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3)
        self.second = nn.Conv2d(4, 2, 3)

    def forward(self, batch: Tensor) -> Tensor:
        return self.second(functional.silu(self.first(batch)))  # type: ignore[no-any-return]


def first_of(network: nn.Module) -> tuple[Call, UnitFunctions]:
    batch = make_batch()
    calls = trace_calls(network, batch)
    call = next(call for call in calls if isinstance(call.module, nn.Conv2d))
    later = following_modules(calls, call)
    return call, identify_unit_functions(
        call.module, later, capture_activations(network, batch, [call.module, *later])
    )


@pytest.mark.parametrize(
    ("name", "nonlinearity"),
    [
        ("convnet", "ReLU"),
        ("resnet18", "ReLU"),
        ("efficientnet-lite0", "ReLU"),
        ("efficientnet-b0", "SiLU"),
    ],
)
def test_normalisation_and_nonlinearity_reproduce_the_networks_values(
    name: str, nonlinearity: str
) -> None:
    network = make_network(name).backbone
    call, found = first_of(network)
    module = call.module
    convolution = reconstruct_convolution(
        module, capture_activations(network, make_batch(), [module])[module]
    )
    assert convolution is not None
    assert found.scale is not None
    assert found.shift is not None
    line = weighted_sum_at(convolution, 1, 2, 3).value * found.scale[1] + found.shift[1]

    assert found.nonlinearity == nonlinearity
    expected: Mapping[str, float] = {"ReLU": max(0.0, line), "SiLU": line / (1 + np.exp(-line))}
    assert found.activated[1, 2, 3] == pytest.approx(expected[nonlinearity], rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("tracked", [False, True])
def test_instance_normalisation_is_scaled_like_the_network(tracked: bool) -> None:
    norm = nn.InstanceNorm2d(4, affine=True, track_running_stats=tracked)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), norm, nn.ReLU())
    network(make_batch() + 1)  # as a training leaves statistics, where it keeps any
    _, found = first_of(network.eval())
    with torch.no_grad():
        made = network[0](make_batch())[0].numpy()
        own = network(make_batch())[0].numpy()
    assert found.scale is not None
    assert found.shift is not None
    line = made * found.scale[:, None, None] + found.shift[:, None, None]
    assert np.maximum(line, 0) == pytest.approx(own, abs=1e-5)


@pytest.mark.parametrize("activation", ["relu", "leaky-relu", "gelu", "sigmoid", "tanh"])
def test_every_nonlinearity_of_a_recipe_is_identified(activation: str) -> None:
    layers = [{"conv": {"filters": 4, "activation": activation}}, {"pool": {"kind": "average"}}]
    _, found = first_of(make_backbone("convnet", {"layers": layers}).build())
    assert found.nonlinearity.lower().replace(" ", "-") == activation
    assert found.pooling is not None


def test_a_nonlinearity_in_the_networks_own_code_is_identified() -> None:
    assert first_of(InlineNonlinearity())[1].nonlinearity == "SiLU"


def test_a_pooling_is_identified_with_its_window_and_values() -> None:
    _, found = first_of(make_network("resnet18").backbone)

    assert found.pooling == Pooling("maximum", (3, 3), (2, 2), (1, 1))
    assert found.pooled is not None
    assert found.pooled[0, 1, 1] == found.activated[0, 1:4, 1:4].max()


def test_a_convolution_on_its_own_has_no_functions() -> None:
    _, found = first_of(nn.Sequential(nn.Conv2d(3, 4, 3)))

    assert (found.scale, found.nonlinearity, found.pooling) == (None, "", None)
    assert torch.from_numpy(found.activated).shape == (4, 62, 62)
