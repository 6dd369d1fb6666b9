"""Select the convolutions whose arithmetic the page shows: the first, and one at each depth."""

import math
from collections.abc import Sequence

from torch import nn

from diascope.explain.call_trace import Call, first_calls
from diascope.explain.feature_maps import halvings_of


def select_convolutions(calls: Sequence[Call], side: int) -> list[Call]:
    """Return the first convolution and, of each depth below it, the one with the smallest filters.

    If no depth lies below it, they are of the depths that there are.
    """
    convolutions = [call for call in first_calls(calls) if _is_spatial_convolution(call)]
    if not convolutions:
        return []
    first = convolutions[0]
    smallest: dict[int, Call] = {}
    for call in convolutions[1:]:
        halvings = halvings_of(call, side)
        if halvings not in smallest or _filter_size(call) < _filter_size(smallest[halvings]):
            smallest[halvings] = call
    deeper = [call for halvings, call in smallest.items() if halvings > halvings_of(first, side)]
    return [first, *(deeper or smallest.values())]


def _is_spatial_convolution(call: Call) -> bool:
    """Return whether a call slides filters of more than one pixel over maps of more than one."""
    module = call.module
    return (
        isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
        and min(call.inputs[2:]) > 1
        and math.prod(module.kernel_size) > 1
    )


def _filter_size(call: Call) -> int:
    """Return the number of weights of one filter."""
    return call.module.get_parameter("weight").numel() // call.outputs[1]
