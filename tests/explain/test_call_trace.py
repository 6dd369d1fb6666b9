"""The traced calls of a network, and that no hook remains in it."""

import pytest
import torch
from torch import Tensor, nn

from diascope.explain.call_trace import capture_activations, trace_calls
from tests.explain.networks import make_batch, make_network


def count_hooks(network: nn.Module) -> int:
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks) + len(module._backward_hooks)
        for module in network.modules()
    )


def test_calls_are_traced_in_order_with_their_shapes() -> None:
    network = make_network()
    calls = trace_calls(network.backbone, make_batch(16))
    leaves = [call for call in calls if call.leaf]

    kinds = [type(call.module).__name__ for call in leaves]
    assert kinds[:4] == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]
    assert (leaves[3].inputs, leaves[3].outputs) == ((1, 8, 16, 16), (1, 8, 8, 8))
    assert calls[-1].module is network.backbone


def test_activations_are_captured_before_an_inplace_layer_changes_them() -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(inplace=True))
    seen = capture_activations(network, make_batch(4), list(network))

    assert bool((seen[network[0]].output < 0).any())
    assert torch.equal(seen[network[1]].output, seen[network[0]].output.relu())


def test_no_hook_remains_after_300_pictures() -> None:
    network = make_network()
    for _ in range(300):
        capture_activations(
            network.backbone,
            make_batch(8),
            [call.module for call in trace_calls(network, make_batch(8))],
        )

    assert count_hooks(network) == 0


def test_no_hook_remains_if_the_network_fails() -> None:
    class Fails(nn.Module):
        def forward(self, batch: Tensor) -> Tensor:
            raise ValueError("not today")

    network = nn.Sequential(nn.Conv2d(3, 2, 1), Fails())
    for look in (
        lambda: trace_calls(network, make_batch(4)),
        lambda: capture_activations(network, make_batch(4), list(network)),
    ):
        with pytest.raises(ValueError, match="not today"):
            look()

    assert count_hooks(network) == 0
