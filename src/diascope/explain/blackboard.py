"""The blackboard example: two layers of a network on a picture of 4 x 4 numbers."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from diascope.explain.call_trace import capture_activations
from diascope.explain.convolution import WeightedSum, reconstruct_convolution, weighted_sum_at

_PICTURE = ((0, 0, 1, 0), (0, 4, 0, 0), (0, 0, 0, 5), (2, 0, 1, 0))
_FILTER = ((1, 2), (3, -1))
_FILTERS = 32
_SEED = 4


@dataclass(frozen=True, eq=False)
class Blackboard:
    """The numbers of the example, all of them integers.

    Attributes:
        sums: of the first filter at each of the 4 x 4 positions, row by row; the picture is padded
            with a row of zeros below and a column of zeros to the right.
        activated: ``(4, 4)``, of the first filter, after ReLU.
        pooled: ``(32, 2, 2)``, of all filters, the maximum of each 2 x 2 window.
        second: of a filter of the second layer, whose input is all of ``pooled``.
    """

    picture: NDArray[np.float32]
    filter: NDArray[np.float32]
    sums: tuple[tuple[WeightedSum, ...], ...]
    activated: NDArray[np.float32]
    pooled: NDArray[np.float32]
    second: WeightedSum


def compute_blackboard() -> Blackboard:
    """Return the example as computed by PyTorch."""
    network = _network()
    picture = torch.tensor(_PICTURE, dtype=torch.float32)[None, None]
    pad, first, relu, pool, second = network
    activations = capture_activations(network, picture, list(network))
    one, two = (reconstruct_convolution(layer, activations[layer]) for layer in (first, second))
    assert one is not None
    assert two is not None
    return Blackboard(
        picture=activations[pad].inputs[0, 0].numpy(),
        filter=one.weight[0, 0],
        sums=tuple(
            tuple(weighted_sum_at(one, 0, row, column) for column in range(4)) for row in range(4)
        ),
        activated=activations[relu].output[0, 0].numpy(),
        pooled=activations[pool].output[0].numpy(),
        second=weighted_sum_at(two, 0, 0, 0),
    )


def _network() -> nn.Sequential:
    """Return the two layers; of the first, all filters but the first are random, from -3 to 3."""
    random = np.random.default_rng(_SEED)
    first = nn.Conv2d(1, _FILTERS, 2, bias=False)
    second = nn.Conv2d(_FILTERS, 1, 2)
    filters = random.integers(-3, 4, (_FILTERS, 1, 2, 2))
    filters[0, 0] = _FILTER
    with torch.no_grad():
        first.weight.copy_(torch.from_numpy(filters))
        second.weight.copy_(torch.from_numpy(random.integers(-1, 2, (1, _FILTERS, 2, 2))))
        second.get_parameter("bias").fill_(1)
    return nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), first, nn.ReLU(), nn.MaxPool2d(2), second)
