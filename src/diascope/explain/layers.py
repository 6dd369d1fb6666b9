"""Which convolutions the page works out: the first, and a small one at each depth."""

import math
from collections.abc import Sequence

from torch import nn

from diascope.explain.call_trace import Call, first_calls
from diascope.explain.feature_maps import halvings_of


def chosen_layers(calls: Sequence[Call], side: int) -> list[Call]:
    """Return the convolutions to work out, in the order of the network."""
    convolutions = [call for call in first_calls(calls) if _works(call)]
    if not convolutions:
        return []
    first = convolutions[0]
    smallest: dict[int, Call] = {}
    for call in convolutions[1:]:
        halvings = halvings_of(call, side)
        if halvings not in smallest or _numbers_of(call) < _numbers_of(smallest[halvings]):
            smallest[halvings] = call
    deeper = [call for halvings, call in smallest.items() if halvings > halvings_of(first, side)]
    return [first, *(deeper or smallest.values())]


def _works(call: Call) -> bool:
    """Say whether a layer slides a filter of more than one pixel over maps of more than one."""
    module = call.module
    return (
        isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
        and min(call.inputs[2:]) > 1
        and math.prod(module.kernel_size) > 1
    )


def _numbers_of(call: Call) -> int:
    """Return how many numbers one filter has."""
    weight = call.module.get_parameter("weight")
    filters = call.outputs[1]
    return weight.numel() // filters
