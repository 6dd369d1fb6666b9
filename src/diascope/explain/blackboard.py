"""One picture of 4 x 4 numbers through two layers, as one would work it out on a blackboard."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from diascope.explain.call_trace import capture_activations
from diascope.explain.convolution import Sum, convolution_of, worked

PICTURE = ((0, 0, 1, 0), (0, 4, 0, 0), (0, 0, 0, 5), (2, 0, 1, 0))
FILTER = ((1, 2), (3, -1))
_FILTERS = 32
_SEED = 4


@dataclass(frozen=True, eq=False)
class Blackboard:
    """The numbers of the example; all are whole.

    Attributes:
        sums: the arithmetic of the first filter at each of the 4 x 4 positions, row by row; a row
            and a column of zeros stand below and to the right of the picture.
        activated: ``(4, 4)``, after ReLU.
        pooled: ``(32, 2, 2)``, the largest of each 2 x 2 window, of all filters.
        second: the arithmetic of a filter of the second layer, which looks at all of ``pooled``.
    """

    picture: NDArray[np.float32]
    filter: NDArray[np.float32]
    sums: tuple[tuple[Sum, ...], ...]
    activated: NDArray[np.float32]
    pooled: NDArray[np.float32]
    second: Sum


def blackboard() -> Blackboard:
    """Let PyTorch work the example out, and take its numbers."""
    network = _network()
    picture = torch.tensor(PICTURE, dtype=torch.float32)[None, None]
    pad, first, relu, pool, second = network
    seen = capture_activations(network, picture, list(network))
    one, two = (convolution_of(layer, seen[layer]) for layer in (first, second))
    assert one is not None
    assert two is not None
    return Blackboard(
        picture=seen[pad].inputs[0, 0].numpy(),
        filter=one.weight[0, 0],
        sums=tuple(tuple(worked(one, 0, row, column) for column in range(4)) for row in range(4)),
        activated=seen[relu].output[0, 0].numpy(),
        pooled=seen[pool].output[0].numpy(),
        second=worked(two, 0, 0, 0),
    )


def _network() -> nn.Sequential:
    """Return the two layers; all filters but the first are drawn by lot, from -3 to 3."""
    random = np.random.default_rng(_SEED)
    first = nn.Conv2d(1, _FILTERS, 2, bias=False)
    second = nn.Conv2d(_FILTERS, 1, 2)
    filters = random.integers(-3, 4, (_FILTERS, 1, 2, 2))
    filters[0, 0] = FILTER
    with torch.no_grad():
        first.weight.copy_(torch.from_numpy(filters))
        second.weight.copy_(torch.from_numpy(random.integers(-1, 2, (1, _FILTERS, 2, 2))))
        second.get_parameter("bias").fill_(1)
    return nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), first, nn.ReLU(), nn.MaxPool2d(2), second)
