"""The numbers of one convolution, and the weighted sum at any of its positions."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from diascope.explain.call_trace import Activations
from diascope.explain.receptive_field import pair


@dataclass(frozen=True, eq=False)
class Convolution:
    """A convolution, plain or transposed, with its input and output for one picture.

    Attributes:
        weight: ``(F, C / groups, kh, kw)`` float32, also for a transposed convolution.
        bias: ``(F,)`` float32, zeros if the layer has none.
        start: (row, column) of the first filter position in the input, for example (-1, -1) with
            zero padding of one pixel above and to the left. For a transposed convolution, the
            position of its first output pixel in the output without padding.
        inputs: ``(C, H, W)`` float32.
        output: ``(F, h, w)`` float32.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    stride: tuple[int, int]
    start: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    transposed: bool
    inputs: NDArray[np.float32]
    output: NDArray[np.float32]

    def channels(self, index: int) -> range:
        """Return the input channels of a filter."""
        width = self.weight.shape[1]
        group = index // (len(self.weight) // self.groups)
        return range(group * width, (group + 1) * width)


@dataclass(frozen=True, eq=False)
class WeightedSum:
    """The arithmetic of one filter at one position.

    Attributes:
        patch, weight: ``(C, kh, kw)``: the input under the filter, 0 outside of the input, and the
            weights of the filter.
    """

    patch: NDArray[np.float32]
    weight: NDArray[np.float32]
    bias: float

    @property
    def products(self) -> NDArray[np.float64]:
        """The elementwise products of patch and weights."""
        return self.patch.astype(np.float64) * self.weight

    @property
    def value(self) -> float:
        """The sum of the products plus the bias."""
        return float(self.products.sum()) + self.bias


def weighted_sum_at(convolution: Convolution, index: int, row: int, column: int) -> WeightedSum:
    """Return the arithmetic of filter ``index`` at a position of the output."""
    weight = convolution.weight[index]
    patch = np.zeros_like(weight)
    _, height, width = convolution.inputs.shape
    channels = convolution.channels(index)
    for y, x in product(*map(range, weight.shape[1:])):
        at = _input_position(convolution, (row, column), (y, x))
        if at is not None and 0 <= at[0] < height and 0 <= at[1] < width:
            patch[:, y, x] = convolution.inputs[channels.start : channels.stop, at[0], at[1]]
    return WeightedSum(patch, weight, float(convolution.bias[index]))


def _input_position(
    convolution: Convolution, position: tuple[int, int], tap: tuple[int, int]
) -> tuple[int, int] | None:
    """Return the input pixel under a filter tap; None between the strides of a transposed one."""
    at = []
    for axis in (0, 1):
        stride, start = convolution.stride[axis], convolution.start[axis]
        reach = convolution.dilation[axis] * tap[axis]
        if not convolution.transposed:
            at.append(start + position[axis] * stride + reach)
        elif (start + position[axis] - reach) % stride:
            return None
        else:
            at.append((start + position[axis] - reach) // stride)
    return at[0], at[1]


def reconstruct_convolution(module: nn.Module, activations: Activations) -> Convolution | None:
    """Return a layer's convolution, with the zero padding that reproduces its output.

    None if no zero padding does, for example because the layer uses reflection padding.
    """
    assert isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
    weight = module.weight.detach()
    if isinstance(module, nn.ConvTranspose2d):
        start = _find_transposed_start(module, activations)
        weight = _filters_first(weight, module.groups)
    else:
        start = _find_start(module, activations)
    if start is None:
        return None
    bias = module.bias if module.bias is not None else torch.zeros(len(weight))
    return Convolution(
        weight=to_numpy(weight),
        bias=to_numpy(bias),
        stride=pair(module.stride),
        start=start,
        dilation=pair(module.dilation),
        groups=module.groups,
        transposed=isinstance(module, nn.ConvTranspose2d),
        inputs=to_numpy(activations.inputs[0]),
        output=to_numpy(activations.output[0]),
    )


def _find_start(module: nn.Conv2d, activations: Activations) -> tuple[int, int] | None:
    """Return the first filter position for the zero padding that reproduces the output.

    The module's own padding is tried first. The others are those that a network may apply in its
    own code before it calls the module.
    """
    tall, wide = (
        dilation * (kernel - 1)
        for dilation, kernel in zip(module.dilation, module.kernel_size, strict=True)
    )
    own = module.padding if isinstance(module.padding, tuple) else (tall // 2, wide // 2)
    others = product(range(tall + 1), range(wide + 1))
    for top, left in dict.fromkeys([pair(own), *others]):
        if _reproduces_output(module, activations, top, left):
            return -top, -left
    return None


def _reproduces_output(module: nn.Conv2d, activations: Activations, top: int, left: int) -> bool:
    needed = [
        (out - 1) * stride + dilation * (kernel - 1) + 1
        for out, stride, dilation, kernel in zip(
            activations.output.shape[2:],
            module.stride,
            module.dilation,
            module.kernel_size,
            strict=True,
        )
    ]
    height, width = activations.inputs.shape[2:]
    sides = (left, max(0, needed[1] - left - width), top, max(0, needed[0] - top - height))
    padded = functional.pad(activations.inputs, sides)[:, :, : needed[0], : needed[1]]
    with torch.no_grad():
        result = functional.conv2d(
            padded, module.weight, module.bias, pair(module.stride), 0, pair(module.dilation),
            module.groups,
        )  # fmt: skip
    return is_close(result, activations.output, 1e-4)


def _find_transposed_start(
    module: nn.ConvTranspose2d, activations: Activations
) -> tuple[int, int] | None:
    assert isinstance(module.padding, tuple)  # only nn.Conv2d takes "same"
    padding, extra = pair(module.padding), pair(module.output_padding)
    with torch.no_grad():
        result = functional.conv_transpose2d(
            activations.inputs, module.weight, module.bias, pair(module.stride), padding, extra,
            module.groups, pair(module.dilation),
        )  # fmt: skip
    return padding if is_close(result, activations.output, 1e-4) else None


def _filters_first(weight: Tensor, groups: int) -> Tensor:
    """Convert ``(C, F / groups, kh, kw)`` to ``(F, C / groups, kh, kw)``."""
    parts = [part.transpose(0, 1) for part in weight.chunk(groups)]
    return torch.cat(parts)


def is_close(tensor: Tensor, other: Tensor, tolerance: float = 1e-5) -> bool:
    """Return whether two tensors are equal, relative to the largest magnitude in the second."""
    if tensor.shape != other.shape:
        return False
    return torch.allclose(tensor, other, rtol=0, atol=tolerance * float(other.abs().max()))


def to_numpy(tensor: Tensor) -> NDArray[np.float32]:
    return tensor.detach().float().contiguous().cpu().numpy()
