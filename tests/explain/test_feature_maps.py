"""The strongest channels at each depth."""

import pytest
from torch import Tensor, nn

from diascope.explain.call_trace import capture_activations, trace_calls
from diascope.explain.feature_maps import last_calls_by_depth, summarise_depth
from tests.explain.networks import make_batch, make_network


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("convnet", [64, 32, 16]),
        ("resnet18", [32, 16, 8, 4, 2]),
        ("efficientnet-b0", [32, 16, 8, 4, 2]),
        ("densenet121", [32, 16, 8, 4, 2]),
    ],
)
def test_there_is_a_depth_wherever_the_resolution_halves(name: str, sizes: list[int]) -> None:
    ends = last_calls_by_depth(trace_calls(make_network(name).backbone, make_batch()), 64)

    assert [call.outputs[2] for call in ends.values()] == sizes
    assert [64 // 2**halvings for halvings in ends] == sizes


def test_a_depth_has_its_strongest_channels_in_descending_order() -> None:
    backbone, batch = make_network().backbone, make_batch()
    call = last_calls_by_depth(trace_calls(backbone, batch), 64)[0]
    seen = capture_activations(backbone, batch, [call.module])
    depth = summarise_depth(0, call, seen[call.module])
    strengths = [channel.strength for channel in depth.strongest]

    assert (depth.size, depth.channels) == ((64, 64), 8)
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[0] == pytest.approx(depth.strongest[0].map.clip(0).mean(), rel=1e-5)


class SharedModules(nn.Module):
    """Convolutions that share one nonlinearity and one pooling."""

    def __init__(self) -> None:
        super().__init__()
        pairs = ((3, 8), (8, 16), (16, 4))
        self.layers = nn.ModuleList([nn.Conv2d(*pair, 3, padding=1) for pair in pairs])
        self.relu, self.pool = nn.ReLU(), nn.MaxPool2d(2)

    def forward(self, maps: Tensor) -> Tensor:
        for layer in self.layers:
            maps = self.pool(self.relu(layer(maps)))
        return maps


def test_a_shared_module_does_not_show_the_maps_of_another_layer() -> None:
    backbone, batch = SharedModules().eval(), make_batch()
    ends = last_calls_by_depth(trace_calls(backbone, batch), 64)
    seen = capture_activations(backbone, batch, {call.module for call in ends.values()})
    depths = {at: summarise_depth(at, call, seen[call.module]) for at, call in ends.items()}
    assert {at: (depth.size, depth.channels) for at, depth in depths.items()} == {
        0: ((64, 64), 8),
        1: ((32, 32), 16),
        2: ((16, 16), 4),
        3: ((8, 8), 4),
    }
