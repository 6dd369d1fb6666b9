"""Identify the functions after a convolution: normalisation, nonlinearity and pooling.

A network may apply a nonlinearity in its own code and not as a module. Each known function is
therefore applied to the captured values, and the one that reproduces the next values is taken.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from diascope.explain.call_trace import Activations, Call
from diascope.explain.convolution import is_close, to_numpy
from diascope.explain.receptive_field import pair

NONLINEARITIES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "ReLU": functional.relu,
    "ReLU6": functional.relu6,
    "SiLU": functional.silu,
    "GELU": functional.gelu,
    "leaky ReLU": functional.leaky_relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}
"""Those that the page's script can compute too."""

_MAX_FOLLOWING = 3  # leaves after a convolution


@dataclass(frozen=True)
class Pooling:
    """A pooling without dilation; only max pooling has padding.

    Attributes:
        kind: ``maximum`` or ``mean``.
    """

    kind: str
    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True, eq=False)
class UnitFunctions:
    """The functions applied to the output of a convolution, and their results.

    Attributes:
        scale, shift: ``(F,)`` float32, of the normalisation; None if none follows.
        nonlinearity: a name in ``NONLINEARITIES``; empty if none of them follows.
        activated: ``(F, h, w)`` float32, after normalisation and nonlinearity.
        pooled: ``(F, h', w')`` float32, after the pooling; None if none follows.
    """

    scale: NDArray[np.float32] | None
    shift: NDArray[np.float32] | None
    nonlinearity: str
    activated: NDArray[np.float32]
    pooling: Pooling | None
    pooled: NDArray[np.float32] | None


def following_modules(calls: Sequence[Call], convolution: Call) -> list[nn.Module]:
    """Return the next modules, which may belong to a convolution."""
    leaves = [call for call in calls if call.leaf]
    at = leaves.index(convolution)
    return [call.module for call in leaves[at + 1 : at + 1 + _MAX_FOLLOWING]]


def identify_unit_functions(
    module: nn.Module, later: Sequence[nn.Module], activations: Mapping[nn.Module, Activations]
) -> UnitFunctions:
    """Return the functions after a convolution, from the activations of the following modules."""
    value = activations[module].output
    scale = shift = None
    rest = list(later)
    if (
        rest
        and (found := _scale_and_shift(rest[0], activations))
        and is_close(activations[rest[0]].inputs, value)
    ):
        scale, shift = found
        value = activations[rest[0]].output
        rest = rest[1:]
    name, activated = _identify_nonlinearity(value, [activations[each] for each in rest])
    pooling = pooled = None
    for each in rest:
        kind = _describe_pooling(each)
        if kind and is_close(activations[each].inputs, activated):
            pooling, pooled = kind, to_numpy(activations[each].output[0])
            break
    return UnitFunctions(
        None if scale is None else to_numpy(scale),
        None if shift is None else to_numpy(shift),
        name,
        to_numpy(activated[0]),
        pooling,
        pooled,
    )


def _scale_and_shift(
    module: nn.Module, activations: Mapping[nn.Module, Activations]
) -> tuple[Tensor, Tensor] | None:
    """Return the scale and shift per channel of a normalisation layer for this picture."""
    if not isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d):
        return None
    if module.running_mean is not None:
        mean, variance = module.running_mean, module.running_var
    elif isinstance(module, nn.InstanceNorm2d):
        maps = activations[module].inputs[0]
        mean, variance = maps.mean((1, 2)), maps.var((1, 2), correction=0)
    else:
        return None
    assert variance is not None
    scale = (variance.double() + module.eps).rsqrt()
    if module.weight is not None:
        scale = scale * module.weight
    shift = -mean * scale
    return scale.detach(), (shift if module.bias is None else shift + module.bias).detach()


def _identify_nonlinearity(value: Tensor, activations: Sequence[Activations]) -> tuple[str, Tensor]:
    tensors = [tensor for each in activations for tensor in (each.inputs, each.output)]
    candidates = [tensor for tensor in tensors if not is_close(tensor, value)]
    for name, function in NONLINEARITIES.items():
        result = function(value)
        if any(is_close(tensor, result) for tensor in candidates):
            return name, result
    return "", value


def _describe_pooling(module: nn.Module) -> Pooling | None:
    if isinstance(module, nn.MaxPool2d) and pair(module.dilation) == (1, 1):
        size, stride = pair(module.kernel_size), pair(module.stride or module.kernel_size)
        return Pooling("maximum", size, stride, pair(module.padding))
    if isinstance(module, nn.AvgPool2d) and pair(module.padding) == (0, 0):
        size, stride = pair(module.kernel_size), pair(module.stride or module.kernel_size)
        return Pooling("mean", size, stride, (0, 0))
    return None
