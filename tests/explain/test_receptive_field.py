"""Receptive fields, steps and centres, compared with the gradients of PyTorch."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from diascope.explain.call_trace import trace_calls
from diascope.explain.receptive_field import CellGrid
from diascope.plugin_creation import make_backbone
from tests.explain.networks import make_batch, make_network

CONV = {"filters": 4, "activation": "sigmoid"}
LENET = [
    {"conv": {**CONV, "kernel": 5, "padding": "valid"}},
    {"pool": {"size": 2}},
    {"conv": {**CONV, "kernel": 5, "padding": "valid"}},
    {"pool": {"size": 2}},
]
MIXED = [
    {"conv": {**CONV, "kernel": 4, "stride": 2}},
    {"pool": {"kind": "average", "size": 3, "stride": 2}},
    {"conv": {**CONV, "kernel": 1, "padding": 3}},
    {"conv": {**CONV, "kernel": 3}},
]


def convnet(layers: Any) -> nn.Module:
    return make_backbone("convnet", {"layers": layers}).build()


def touched(network: nn.Module, size: tuple[int, int]) -> tuple[Tensor, tuple[int, ...]]:
    """Return ``(cells, H, W)``: the pixels whose change changes a cell, and the map's shape."""
    torch.manual_seed(0)
    pictures = torch.randn(32, 3, *size, dtype=torch.float64, requires_grad=True)
    features = network.double().eval()(pictures)  # of many pictures, as a maximum is of one pixel
    found = [
        torch.autograd.grad(cell, pictures, retain_graph=True)[0].abs().sum((0, 1))
        for cell in features.sum((0, 1)).flatten()
    ]
    return torch.stack(found), tuple(features.shape[2:])


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # it may need memory
@pytest.mark.parametrize(
    ("network", "size"),
    [
        (convnet(LENET), (32, 32)),
        (convnet(MIXED), (33, 26)),
        (
            nn.Sequential(
                nn.Conv2d(3, 4, (3, 5), stride=(2, 1), padding=(0, 2), dilation=(1, 2)),
                nn.Tanh(),
                nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True),
                nn.Sequential(nn.Conv2d(4, 4, (2, 3), padding="same"), nn.Dropout()),
                nn.AvgPool2d((1, 2)),
            ),
            (22, 27),
        ),
    ],
    ids=["lenet", "mixed", "sides differ"],
)
def test_a_cell_depends_on_just_its_receptive_field(
    network: nn.Module, size: tuple[int, int]
) -> None:
    with torch.no_grad():
        for weights in network.parameters():
            weights.abs_()  # so that no gradients cancel
    pixels, cells = touched(network, size)
    grid = trace_calls(network.float(), torch.zeros(1, 3, *size))[-1].grid
    assert grid is not None
    inner = 0
    for number, seen in enumerate(pixels.numpy() > 0):
        fields = []
        for axis, cell in enumerate(np.unravel_index(number, cells)):
            start = grid.first[axis] + grid.step[axis] * int(cell) - (grid.field[axis] - 1) / 2
            fields.append(range(int(start), int(start) + grid.field[axis]))
        found = [np.flatnonzero(seen.any(1 - axis)).tolist() for axis in (0, 1)]
        if all(field.start >= 0 and field.stop <= size[axis] for axis, field in enumerate(fields)):
            assert found == [list(field) for field in fields]
            inner += 1
        else:  # part of it is padding
            assert all(set(found[axis]) <= set(fields[axis]) for axis in (0, 1))
    assert inner >= 4


def test_the_grids_of_lenet_are_those_of_the_textbook() -> None:
    calls = trace_calls(convnet(LENET), torch.zeros(1, 3, 32, 32))
    grids = [call.grid for call in calls if type(call.module) in (nn.Conv2d, nn.MaxPool2d)]

    assert [(grid.step[0], grid.field[0], grid.first[0]) for grid in grids if grid] == [
        (1, 5, 2),
        (2, 6, 2.5),
        (2, 14, 6.5),
        (4, 16, 7.5),
    ]


class Residual(nn.Module):
    """A convolution whose input is added to its output, in place or not."""

    def __init__(self, *, in_place: bool) -> None:
        super().__init__()
        self.conv, self.norm, self.in_place = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), in_place

    def forward(self, maps: Tensor) -> Tensor:
        value = self.conv(maps)
        wide = functional.avg_pool2d(maps, 3, 1, 1)
        if self.in_place:
            value += wide
        else:
            value = value + wide
        normed: Tensor = self.norm(value)
        return normed


@pytest.mark.parametrize("in_place", [True, False])
def test_the_grid_is_unknown_behind_the_networks_own_code(in_place: bool) -> None:
    conv, norm, whole = trace_calls(Residual(in_place=in_place), make_batch(8))

    assert conv.grid == CellGrid()
    assert norm.source is norm.grid is whole.grid is None


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "efficientnet-b0"])
def test_networks_with_branches_have_no_grid_in_the_end(name: str) -> None:
    assert trace_calls(make_network(name).backbone, make_batch())[-1].grid is None


def test_a_network_that_changes_the_picture_in_place_leaves_the_batch_alone() -> None:
    batch = make_batch(8)
    with torch.inference_mode():
        calls = trace_calls(nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 1, 3)), batch)

    assert calls[-1].grid == CellGrid((1, 1), (3, 3), (1.0, 1.0))
    assert torch.equal(batch, make_batch(8))


@pytest.mark.parametrize(
    ("grid", "cells", "size", "even"),
    [
        (CellGrid((2, 2), (6, 6), (0.5, 0.5)), (16, 16), (32, 32), True),
        (CellGrid((2, 1), (6, 6), (0.5, 0.0)), (16, 32), (32, 32), True),
        (CellGrid((2, 2), (6, 6), (2.5, 2.5)), (14, 14), (32, 32), False),
        (CellGrid((2, 2), (6, 6), (0.0, 0.5)), (16, 16), (32, 32), False),
        (CellGrid((2, 2), (6, 6), (0.5, 0.5)), (16, 16), (32, 33), False),
    ],
)
def test_cells_divide_the_picture_evenly_if_side_by_side_they_are_just_as_large(
    grid: CellGrid, cells: tuple[int, int], size: tuple[int, int], even: bool
) -> None:
    assert grid.divides_evenly(cells, size) is even
