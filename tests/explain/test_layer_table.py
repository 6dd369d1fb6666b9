"""The layers of a network, or its stages, as a table."""

import pytest
import torch
from torch import Tensor, nn

from diascope.explain.call_trace import trace_calls
from diascope.explain.layer_table import (
    describe_window,
    layer_names,
    tabulate_layers,
    tabulate_network,
)
from diascope.network import Network, build_head
from tests.explain.networks import make_batch, make_network


def test_the_layers_of_a_convnet_are_those_of_its_recipe() -> None:
    network = make_network()
    table = tabulate_network(network, 3, (64, 48))

    assert [(row.name, row.text, row.output, row.weights) for row in table.rows] == [
        ("conv", "filters 8, kernel 3, padding 1, batch norm, ReLU", (8, 64, 48), 3 * 72 + 16),
        ("pool", "max, size 2", (8, 32, 24), 0),
        (
            "conv",
            "filters 6, kernel 3, padding 1, instance norm, leaky ReLU",
            (6, 32, 24),
            8 * 54 + 12,
        ),
        ("pool", "average, size 2", (6, 16, 12), 0),
    ]
    assert [row.grid.field[0] for row in table.rows if row.grid] == [3, 4, 8, 10]
    assert (table.layered, table.head, table.elsewhere) == (True, 6 * 3 + 3, 0)


def test_batch_norms_that_several_devices_share_are_listed_like_others() -> None:
    shared = nn.SyncBatchNorm.convert_sync_batchnorm(make_network())

    assert tabulate_network(shared, 3, (64, 48)) == tabulate_network(make_network(), 3, (64, 48))


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "efficientnet-b0"])
def test_other_networks_are_listed_by_depth_with_all_of_their_weights(name: str) -> None:
    network = make_network(name)
    table = tabulate_network(network, 3, (64, 64))

    assert [row.name for row in table.rows] == [f"depth{halvings}" for halvings in range(1, 6)]
    assert [row.output[1] for row in table.rows] == [32, 16, 8, 4, 2]
    assert all(row.weights for row in table.rows)
    assert table.weights == sum(each.numel() for each in network.parameters())


class Gated(nn.Module):
    """A convolution, weighted by a linear layer of the picture's mean colour."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gate = nn.Conv2d(3, 4, 3), nn.Linear(3, 4)

    def forward(self, batch: Tensor) -> Tensor:
        gates: Tensor = self.gate(batch.mean((2, 3)))[:, :, None, None]
        result: Tensor = self.conv(batch) * gates
        return result


def test_weights_of_layers_without_maps_are_counted_too() -> None:
    network = Network(Gated(), build_head("linear", 4, 1)).eval()
    table = tabulate_network(network, 3, (8, 8))

    assert (table.layered, table.elsewhere, table.weights) == (False, 16, 112 + 16 + 5)


def test_a_convolution_that_is_called_twice_is_no_layer_of_a_sequence() -> None:
    conv = nn.Conv2d(3, 3, 3)
    network = Network(nn.Sequential(conv, conv), build_head("linear", 3, 1)).eval()
    table = tabulate_network(network, 3, (8, 8))

    assert not table.layered
    assert table.weights == 84 + 4


def test_a_layer_is_called_by_its_number_or_else_by_its_path() -> None:
    for name, called in (("convnet", "Layer 3"), ("resnet18", "layer1.0.conv1")):
        backbone = make_network(name).backbone
        names = layer_names(backbone, trace_calls(backbone, make_batch()))
        convolutions = [module for module in backbone.modules() if isinstance(module, nn.Conv2d)]
        assert names[convolutions[1]] == called


def test_a_norm_before_the_first_convolution_belongs_to_the_first_layer() -> None:
    backbone = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 3))
    network = Network(backbone, build_head("linear", 2, 1)).eval()
    rows = tabulate_layers(network, trace_calls(backbone, torch.zeros(1, 3, 8, 8))).rows

    assert [row.weights for row in rows] == [6 + 8, 38]


@pytest.mark.parametrize(
    ("module", "told"),
    [
        (nn.Conv2d(4, 8, 3), ("conv", "filters 8, kernel 3, padding 0")),
        (
            nn.Conv2d(4, 8, (3, 5), 2, (1, 2), dilation=2, groups=4),
            ("conv", "filters 8, kernel 3 x 5, stride 2, dilation 2, groups 4, padding 1 x 2"),
        ),
        (nn.MaxPool2d(3, 2, 1), ("pool", "max, size 3, stride 2, padding 1")),
        (nn.AvgPool2d(2), ("pool", "average, size 2")),
        (nn.Upsample(2), None),
    ],
)
def test_a_window_is_described_in_the_words_of_recipes(
    module: nn.Module, told: tuple[str, str] | None
) -> None:
    assert describe_window(module) == told
