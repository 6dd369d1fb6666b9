"""The numbers of layers and pictures that the page's script needs, cut to what fits into a page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from diascope.explain.convolution import Convolution
from diascope.explain.explanation import ExplainedLayer
from diascope.explain.feature_maps import most_varied_channels
from diascope.explain.filters import filter_picture
from diascope.explain.pictures import pack_numbers, png_uri
from diascope.explain.steps import Stage

_FILTERS = 8
"""Filters of a layer whose numbers are kept: those whose responses vary most over the picture."""

_LAYER_BYTES = 450_000  # of a layer's input
_STAGE_PIXELS = 51_000  # of a picture: all of 224 x 224


@dataclass(frozen=True)
class Box:
    """A part of a map: rows ``top`` to ``top + height``, columns ``left`` to ``left + width``."""

    top: int
    left: int
    height: int
    width: int

    def crop(self, maps: NDArray[Any]) -> NDArray[Any]:
        """Return this part of ``(C, H, W)``."""
        return maps[:, self.top : self.top + self.height, self.left : self.left + self.width]


def stage_numbers(stage: Stage) -> dict[str, Any]:
    """Return the numbers of a picture, or of its centre if it is large."""
    height, width = stage.pixels.shape[:2]
    box = _box_around((height, width), (height // 2, width // 2), int(_STAGE_PIXELS**0.5))
    maps = np.moveaxis(stage.pixels, 2, 0)
    return {"title": stage.title, "size": [height, width], "box": asdict(box)} | {
        "numbers": pack_numbers(box.crop(maps))
    }


def layer_numbers(layer: ExplainedLayer) -> dict[str, Any]:
    """Return what the page needs to compute some filters of a layer at any position."""
    convolution, functions = layer.convolution, layer.functions
    indices = [channel.index for channel in most_varied_channels(functions.activated, _FILTERS)]
    channels = sorted({c for index in indices for c in convolution.channels(index)})
    peak = _peak(layer, indices[0])
    box = _largest_box(convolution, len(channels), peak)
    input_box = _input_box(convolution, box)
    return {
        "transposed": convolution.transposed,
        "stride": convolution.stride,
        "start": convolution.start,
        "dilation": convolution.dilation,
        "size": convolution.output.shape[1:],
        "input_size": convolution.inputs.shape,
        "box": asdict(box),
        "input_box": asdict(input_box),
        "inputs": pack_numbers(input_box.crop(convolution.inputs[channels])),
        "nonlinearity": functions.nonlinearity,
        "pooling": None if functions.pooling is None else asdict(functions.pooling),
        "peak": peak,
        "filters": [_filter(layer, index, channels, box) for index in indices],
    }


def _peak(layer: ExplainedLayer, index: int) -> tuple[int, int]:
    """Return where a filter responds most before the nonlinearity, which may saturate."""
    output, scale = layer.convolution.output[index], layer.functions.scale
    responses = output if scale is None else output * scale[index]
    row, column = np.unravel_index(int(responses.argmax()), responses.shape)
    return int(row), int(column)


def _filter(layer: ExplainedLayer, index: int, channels: Sequence[int], box: Box) -> dict[str, Any]:
    convolution, functions = layer.convolution, layer.functions
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
        "scale": None if functions.scale is None else float(functions.scale[index]),
        "shift": None if functions.shift is None else float(functions.shift[index]),
        "output": pack_numbers(box.crop(convolution.output[one])),
        "activated": pack_numbers(box.crop(functions.activated[one])),
        "pooled": None if functions.pooled is None else pack_numbers(functions.pooled[one]),
    }


def _largest_box(convolution: Convolution, channels: int, peak: tuple[int, int]) -> Box:
    """Return the largest part of the output around a peak whose inputs fit into the page."""
    height, width = convolution.output.shape[1:]
    side = max(height, width)
    while True:
        box = _box_around((height, width), peak, side)
        inputs = _input_box(convolution, box)
        if side == 1 or inputs.height * inputs.width * channels * 4 <= _LAYER_BYTES:
            return box
        side -= 1


def _box_around(size: tuple[int, int], middle: tuple[int, int], side: int) -> Box:
    height, width = (min(side, whole) for whole in size)
    top = min(max(0, middle[0] - height // 2), size[0] - height)
    left = min(max(0, middle[1] - width // 2), size[1] - width)
    return Box(top, left, height, width)


def _input_box(convolution: Convolution, box: Box) -> Box:
    """Return the part of the input that a part of the output depends on."""
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
