"""Depthwise convolutions with a fast backward pass in bfloat16 on a CPU.

oneDNN has no fast bfloat16 kernel for two gradients of a depthwise convolution: that of the input
at stride 2, and that of 5 x 5 filters; both are many times slower than the convolution itself. Here
the first is computed as a convolution of the gradient, spread out with zeros; the second is put
together from the gradients of 3 x 3 windows. ``benchmarks/depthwise.py`` measures the difference.
"""

from itertools import product
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_KERNELS = (3, 5)


class FastDepthwise(TorchFunctionMode):
    """Context in which depthwise convolutions in bfloat16 on a CPU have a fast backward pass.

    Values and gradients equal those of ``torch.nn.functional.conv2d`` to bfloat16's precision.
    Other convolutions are not affected.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.conv2d and not kwargs and (call := _fast_arguments(*args)) is not None:
            return _Depthwise.apply(*call)  # type: ignore[no-untyped-call]
        return func(*args, **(kwargs or {}))


def _fast_arguments(
    batch: Tensor,
    filters: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> tuple[Tensor, Tensor, int, int] | None:
    """Return batch, filters, stride and padding if the fast path applies, else None."""
    if batch.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
        return None
    if torch.get_autocast_dtype("cpu") != torch.bfloat16 or bias is not None:
        return None
    if not 1 < groups == batch.shape[1] == filters.shape[0] or isinstance(padding, str):
        return None
    steps, sides, spread = (_pair(value) for value in (stride, padding, dilation))
    kernel = filters.shape[2]
    square = kernel == filters.shape[3] and steps[0] == steps[1] and sides[0] == sides[1]
    if not square or kernel not in _KERNELS or sides[0] >= kernel or spread != (1, 1):
        return None
    return batch.bfloat16(), filters.bfloat16(), steps[0], sides[0]


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, batch: Tensor, filters: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(batch, filters)
        ctx.stride, ctx.padding = stride, padding
        return functional.conv2d(batch, filters, None, stride, padding, 1, batch.shape[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        batch, filters = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        of_batch = _input_gradient(gradient, filters, ctx.stride, ctx.padding, batch.shape)
        of_filters = _filter_gradient(gradient, batch, filters, ctx.stride, ctx.padding)
        return of_batch, of_filters, None, None


def _input_gradient(
    gradient: Tensor, filters: Tensor, stride: int, padding: int, shape: torch.Size
) -> Tensor:
    count, channels, height, width = shape
    kernel = filters.shape[2]
    if stride > 1:
        rows, columns = (side + 2 * padding - kernel + 1 for side in (height, width))
        spread = gradient.new_zeros(count, rows, columns, channels).permute(0, 3, 1, 2)
        spread[:, :, ::stride, ::stride] = gradient
        gradient = spread
    return functional.conv2d(
        gradient, filters.flip(2, 3), None, 1, kernel - 1 - padding, 1, channels
    )


def _filter_gradient(
    gradient: Tensor, batch: Tensor, filters: Tensor, stride: int, padding: int
) -> Tensor:
    if filters.shape[2] == 3:
        return _window_gradient(gradient, batch, stride, padding)
    padded = functional.pad(batch, (padding,) * 4)
    height, width = ((side - 1) * stride + 3 for side in gradient.shape[2:])
    whole = torch.zeros_like(filters)
    for top, left in product((0, 2), (0, 2)):  # 3 x 3 windows at 0 and 2 cover 5 x 5
        part = padded[:, :, top : top + height, left : left + width]
        part = part.contiguous(memory_format=torch.channels_last)
        whole[:, :, top : top + 3, left : left + 3] = _window_gradient(gradient, part, stride, 0)
    return whole


def _window_gradient(gradient: Tensor, batch: Tensor, stride: int, padding: int) -> Tensor:
    """Return the gradient of 3 x 3 filters, by torch's own kernel."""
    channels = batch.shape[1]
    filters = batch.new_empty(channels, 1, 3, 3)
    steps, sides = [stride, stride], [padding, padding]
    of_filters: Tensor = torch.ops.aten.convolution_backward(
        *(gradient, batch, filters, None, steps, sides, [1, 1], False, [0, 0], channels),
        [False, True, False],
    )[1]
    return of_filters
