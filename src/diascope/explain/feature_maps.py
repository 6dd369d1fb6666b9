"""What comes out at each depth: the strongest channels before the maps are made smaller."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from diascope.explain.call_trace import Activations, Call, first_calls
from diascope.explain.convolution import numbers

STRONGEST = 8
_PASSED_ON = (nn.Identity, nn.Dropout, nn.Dropout2d, nn.ConstantPad2d, nn.ZeroPad2d, nn.Flatten)


@dataclass(frozen=True, eq=False)
class Channel:
    """One map of a layer.

    Attributes:
        index: which one, from 0.
        strength: mean of what is above 0.
        map: ``(h, w)`` float32.
    """

    index: int
    strength: float
    map: NDArray[np.float32]


@dataclass(frozen=True)
class Depth:
    """The maps of one resolution.

    Attributes:
        halvings: how often the picture's side was halved, 0 for its own size.
        size: (height, width) of a map.
        channels: how many there are.
        strongest: the strongest of them, the strongest first.
    """

    halvings: int
    size: tuple[int, int]
    channels: int
    strongest: tuple[Channel, ...]


def last_calls(calls: Sequence[Call], side: int) -> dict[int, Call]:
    """Return halvings to the last call at that resolution, from the picture to the features.

    A block of layers goes before a single layer: what runs through the network is what blocks give.
    """
    end = calls[-1].outputs[2]
    fitting = [
        call
        for call in first_calls(calls)
        if call.outputs[2] >= end and not isinstance(call.module, _PASSED_ON)
    ]
    leaves = {halvings_of(call, side): call for call in fitting if call.leaf}
    blocks = {halvings_of(call, side): call for call in fitting if not call.leaf}
    return dict(sorted((leaves | blocks).items()))


def halvings_of(call: Call, side: int) -> int:
    """Return how often the picture's side, its height in pixels, was halved where a call ends."""
    return max(0, round(math.log2(side / call.outputs[2])))


def share_words(halvings: int, side: int, cells: int) -> str:
    """Return which share of the picture's side, its height in pixels, a map of ``cells`` has."""
    share = f"1/{2**halvings} of the picture's side" if halvings else "the picture's size"
    return share if cells * 2**halvings == side else f"about {share}"


def depth_of(halvings: int, seen: Activations) -> Depth:
    """Return the strongest channels of what a module gave for the first picture of a batch."""
    maps = numbers(seen.output[0])
    height, width = maps.shape[1:]
    return Depth(halvings, (height, width), len(maps), strongest(maps, STRONGEST))


def strongest(maps: NDArray[np.float32], count: int) -> tuple[Channel, ...]:
    """Return the channels of ``(F, h, w)`` whose values above 0 are largest in the mean."""
    return _channels(maps, _strengths(maps), count)


def most_varied(maps: NDArray[np.float32], count: int) -> tuple[Channel, ...]:
    """Return the channels of ``(F, h, w)`` whose values differ most between places.

    One that answers everywhere alike does so for its bias or shift, whatever the picture is.
    """
    return _channels(maps, maps.std((1, 2), dtype=np.float64), count)


def _channels(
    maps: NDArray[np.float32], rank: NDArray[np.float64], count: int
) -> tuple[Channel, ...]:
    strengths, order = _strengths(maps), np.argsort(-rank, kind="stable")[:count]
    return tuple(Channel(index, float(strengths[index]), maps[index]) for index in order.tolist())


def _strengths(maps: NDArray[np.float32]) -> NDArray[np.float64]:
    means: NDArray[np.float64] = np.maximum(maps, 0).mean((1, 2), dtype=np.float64)
    return means
