"""The feature maps at each depth: the strongest channels of each resolution."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from diascope.explain.call_trace import Activations, Call, first_calls
from diascope.explain.convolution import to_numpy
from diascope.explain.receptive_field import CellGrid

_STRONGEST = 8
_PASS_THROUGH = (nn.Identity, nn.Dropout, nn.Dropout2d, nn.ConstantPad2d, nn.ZeroPad2d, nn.Flatten)


@dataclass(frozen=True, eq=False)
class Channel:
    """One channel of a layer.

    Attributes:
        index: from 0.
        strength: mean of the map with negative values as 0.
        map: ``(h, w)`` float32.
    """

    index: int
    strength: float
    map: NDArray[np.float32]


@dataclass(frozen=True)
class Depth:
    """The feature maps of one resolution.

    Attributes:
        halvings: how often the side of the picture was halved, 0 for its own size.
        size: (height, width) of a map.
        channels: the number of channels.
        strongest: the strongest channels, in descending order.
        grid: where the cells lie in the picture; None if that is unknown.
    """

    halvings: int
    size: tuple[int, int]
    channels: int
    strongest: tuple[Channel, ...]
    grid: CellGrid | None = None


def last_calls_by_depth(calls: Sequence[Call], side: int) -> dict[int, Call]:
    """Return, for each number of halvings, the last call at that resolution, in ascending order.

    A block of layers is preferred to a single layer, because its output is what the network passes
    on.
    """
    end = calls[-1].outputs[2]
    candidates = [
        call
        for call in first_calls(calls)
        if call.outputs[2] >= end and not isinstance(call.module, _PASS_THROUGH)
    ]
    leaves = {halvings_of(call, side): call for call in candidates if call.leaf}
    blocks = {halvings_of(call, side): call for call in candidates if not call.leaf}
    return dict(sorted((leaves | blocks).items()))


def halvings_of(call: Call, side: int) -> int:
    """Return how often a call's output halves the side (height) of the picture."""
    return max(0, round(math.log2(side / call.outputs[2])))


def format_map_scale(halvings: int, side: int, cells: int) -> str:
    """Return the size of a map ``cells`` high relative to the side (height) of the picture."""
    share = f"1/{2**halvings} of the picture's side" if halvings else "the picture's size"
    return share if cells * 2**halvings == side else f"about {share}"


def summarise_depth(halvings: int, call: Call, activations: Activations) -> Depth:
    """Return the strongest channels of a call's output for the first picture of a batch."""
    maps = to_numpy(activations.output[0])
    _, channels, height, width = call.outputs
    strongest = strongest_channels(maps, _STRONGEST)
    return Depth(halvings, (height, width), channels, strongest, call.grid)


def strongest_channels(maps: NDArray[np.float32], count: int) -> tuple[Channel, ...]:
    """Return the channels of ``(F, h, w)`` with the highest strength, in descending order."""
    return _top_channels(maps, _strengths(maps), count)


def most_varied_channels(maps: NDArray[np.float32], count: int) -> tuple[Channel, ...]:
    """Return the channels of ``(F, h, w)`` whose values vary most over the picture.

    A constant channel only shows its bias or shift, whatever the picture is.
    """
    return _top_channels(maps, maps.std((1, 2), dtype=np.float64), count)


def _top_channels(
    maps: NDArray[np.float32], rank: NDArray[np.float64], count: int
) -> tuple[Channel, ...]:
    strengths, order = _strengths(maps), np.argsort(-rank, kind="stable")[:count]
    return tuple(Channel(index, float(strengths[index]), maps[index]) for index in order.tolist())


def _strengths(maps: NDArray[np.float32]) -> NDArray[np.float64]:
    means: NDArray[np.float64] = np.maximum(maps, 0).mean((1, 2), dtype=np.float64)
    return means
