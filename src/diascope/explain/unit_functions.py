"""What follows a convolution: normalisation, nonlinearity, pooling, told by the numbers themselves.

A network may apply a nonlinearity in its own code, where no module shows. So each known function is
tried on what came before, and the one that gives what came after is the one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from diascope.explain.call_trace import Activations, Call
from diascope.explain.convolution import numbers, pair

NONLINEARITIES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "ReLU": functional.relu,
    "ReLU6": functional.relu6,
    "SiLU": functional.silu,
    "GELU": functional.gelu,
    "leaky ReLU": functional.leaky_relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}
"""Those that the page can work out too."""

_AFTER = 3  # leaves that are looked at after a convolution


@dataclass(frozen=True)
class Pooling:
    """A pooling without dilation; ``padding`` only for the largest value."""

    kind: str
    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]


@dataclass(frozen=True, eq=False)
class After:
    """What was done to the output of a convolution.

    Attributes:
        scale, shift: ``(F,)`` float32, of the normalisation; None if none follows.
        nonlinearity: a name of ``NONLINEARITIES``; empty if none of them follows.
        activated: ``(F, h, w)`` float32, after normalisation and nonlinearity.
        pooled: ``(F, h', w')`` float32, after the pooling; None if none follows.
    """

    scale: NDArray[np.float32] | None
    shift: NDArray[np.float32] | None
    nonlinearity: str
    activated: NDArray[np.float32]
    pooling: Pooling | None
    pooled: NDArray[np.float32] | None


def following(calls: Sequence[Call], convolution: Call) -> list[nn.Module]:
    """Return the modules that come next and may belong to a convolution."""
    leaves = [call for call in calls if call.leaf]
    at = leaves.index(convolution)
    return [call.module for call in leaves[at + 1 : at + 1 + _AFTER]]


def after(
    module: nn.Module, later: Sequence[nn.Module], seen: Mapping[nn.Module, Activations]
) -> After:
    """Return what was done to a convolution's output, from what went through the next modules."""
    value = seen[module].output
    scale = shift = None
    rest = list(later)
    if rest and (line := _line(rest[0], seen)) and equal(seen[rest[0]].inputs, value):
        scale, shift = line
        value = seen[rest[0]].output
        rest = rest[1:]
    name, activated = _nonlinearity(value, [seen[each] for each in rest])
    pooling = pooled = None
    for each in rest:
        if (found := _pooling(each)) and equal(seen[each].inputs, activated):
            pooling, pooled = found, numbers(seen[each].output[0])
            break
    return After(
        None if scale is None else numbers(scale),
        None if shift is None else numbers(shift),
        name,
        numbers(activated[0]),
        pooling,
        pooled,
    )


def _line(module: nn.Module, seen: Mapping[nn.Module, Activations]) -> tuple[Tensor, Tensor] | None:
    """Return scale and shift, a number a channel each, of a normalisation for this picture."""
    if not isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d):
        return None
    if module.running_mean is not None:
        mean, variance = module.running_mean, module.running_var
    elif isinstance(module, nn.InstanceNorm2d):
        maps = seen[module].inputs[0]
        mean, variance = maps.mean((1, 2)), maps.var((1, 2), correction=0)
    else:
        return None
    assert variance is not None
    scale = (variance.double() + module.eps).rsqrt()
    if module.weight is not None:
        scale = scale * module.weight
    shift = -mean * scale
    return scale.detach(), (shift if module.bias is None else shift + module.bias).detach()


def _nonlinearity(value: Tensor, seen: Sequence[Activations]) -> tuple[str, Tensor]:
    tensors = [tensor for each in seen for tensor in (each.inputs, each.output)]
    candidates = [tensor for tensor in tensors if not equal(tensor, value)]
    for name, function in NONLINEARITIES.items():
        made = function(value)
        if any(equal(tensor, made) for tensor in candidates):
            return name, made
    return "", value


def _pooling(module: nn.Module) -> Pooling | None:
    if isinstance(module, nn.MaxPool2d) and pair(module.dilation) == (1, 1):
        size, stride = pair(module.kernel_size), pair(module.stride or module.kernel_size)
        return Pooling("largest", size, stride, pair(module.padding))
    if isinstance(module, nn.AvgPool2d) and pair(module.padding) == (0, 0):
        size, stride = pair(module.kernel_size), pair(module.stride or module.kernel_size)
        return Pooling("mean", size, stride, (0, 0))
    return None


def equal(tensor: Tensor, other: Tensor) -> bool:
    """Say whether two tensors are the same to the precision of float32."""
    if tensor.shape != other.shape:
        return False
    reach = float(other.abs().max())
    return torch.allclose(tensor, other, rtol=0, atol=1e-5 * reach)
