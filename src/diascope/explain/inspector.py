"""The numbers of layers and pictures: few enough for a page, all that its arithmetic needs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from diascope.explain.convolution import Convolution
from diascope.explain.explanation import Layer
from diascope.explain.feature_maps import most_varied
from diascope.explain.filters import filter_picture
from diascope.explain.pictures import pack_numbers, png_uri
from diascope.explain.steps import Stage

FILTERS = 8
"""Filters of a layer whose numbers are kept: those whose answers differ most between places."""

_LAYER_BYTES = 450_000  # of a layer's input
_STAGE_PIXELS = 51_000  # of a picture: all of 224 x 224


@dataclass(frozen=True)
class Box:
    """A part of a map: rows ``top`` to ``top + height``, columns ``left`` to ``left + width``."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, maps: NDArray[Any]) -> NDArray[Any]:
        """Return that part of ``(C, H, W)``."""
        return maps[:, self.top : self.top + self.height, self.left : self.left + self.width]


def stage_numbers(stage: Stage) -> dict[str, Any]:
    """Return the numbers of a picture, or of its middle if it is large."""
    height, width = stage.pixels.shape[:2]
    box = _around((height, width), (height // 2, width // 2), int(_STAGE_PIXELS**0.5))
    maps = np.moveaxis(stage.pixels, 2, 0)
    return {"title": stage.title, "size": [height, width], "box": asdict(box)} | {
        "numbers": pack_numbers(box.cut(maps))
    }


def layer_numbers(layer: Layer) -> dict[str, Any]:
    """Return what the page needs to work out some filters of a layer, position by position."""
    convolution, later = layer.convolution, layer.after
    told = [channel.index for channel in most_varied(later.activated, FILTERS)]
    channels = sorted({c for index in told for c in convolution.channels(index)})
    peak = _peak(layer, told[0])
    box = _affordable(convolution, len(channels), peak)
    under = _under(convolution, box)
    return {
        "transposed": convolution.transposed,
        "stride": convolution.stride,
        "start": convolution.start,
        "dilation": convolution.dilation,
        "size": convolution.output.shape[1:],
        "input_size": convolution.inputs.shape,
        "box": asdict(box),
        "under": asdict(under),
        "inputs": pack_numbers(under.cut(convolution.inputs[channels])),
        "nonlinearity": later.nonlinearity,
        "pooling": None if later.pooling is None else asdict(later.pooling),
        "peak": peak,
        "filters": [_filter(layer, index, channels, box) for index in told],
    }


def _peak(layer: Layer, index: int) -> tuple[int, int]:
    """Return where a filter answers most before the nonlinearity, which may end at a largest."""
    output, scale = layer.convolution.output[index], layer.after.scale
    answers = output if scale is None else output * scale[index]
    row, column = np.unravel_index(int(answers.argmax()), answers.shape)
    return int(row), int(column)


def _filter(layer: Layer, index: int, channels: Sequence[int], box: Box) -> dict[str, Any]:
    convolution, later = layer.convolution, layer.after
    one = slice(index, index + 1)
    own = convolution.channels(index)
    weight = convolution.weight[index]
    return {
        "index": index,
        "picture": png_uri(filter_picture(torch.from_numpy(weight))),
        "weight": pack_numbers(weight),
        "channels": [channels.index(channel) for channel in own],
        "first": own.start,
        "bias": float(convolution.bias[index]),
        "scale": None if later.scale is None else float(later.scale[index]),
        "shift": None if later.shift is None else float(later.shift[index]),
        "output": pack_numbers(box.cut(convolution.output[one])),
        "activated": pack_numbers(box.cut(later.activated[one])),
        "pooled": None if later.pooled is None else pack_numbers(later.pooled[one]),
    }


def _affordable(convolution: Convolution, channels: int, peak: tuple[int, int]) -> Box:
    """Return the largest part of the output around a peak whose inputs are not too many."""
    height, width = convolution.output.shape[1:]
    side = max(height, width)
    while True:
        box = _around((height, width), peak, side)
        under = _under(convolution, box)
        if side == 1 or under.height * under.width * channels * 4 <= _LAYER_BYTES:
            return box
        side -= 1


def _around(size: tuple[int, int], middle: tuple[int, int], side: int) -> Box:
    height, width = (min(side, whole) for whole in size)
    top = min(max(0, middle[0] - height // 2), size[0] - height)
    left = min(max(0, middle[1] - width // 2), size[1] - width)
    return Box(top, left, height, width)


def _under(convolution: Convolution, box: Box) -> Box:
    """Return the part of the input that lies under a part of the output."""
    ends = []
    for axis, (first, count) in enumerate(((box.top, box.height), (box.left, box.width))):
        start, stride = convolution.start[axis], convolution.stride[axis]
        reach = convolution.dilation[axis] * (convolution.weight.shape[2 + axis] - 1)
        last = first + count - 1
        if convolution.transposed:
            low, high = (start + first - reach) // stride, (start + last) // stride
        else:
            low, high = start + first * stride, start + last * stride + reach
        whole = convolution.inputs.shape[1 + axis]
        low = min(max(0, low), whole - 1)
        ends.append((low, min(whole - 1, max(low, high)) - low + 1))
    (top, height), (left, width) = ends
    return Box(top, left, height, width)
