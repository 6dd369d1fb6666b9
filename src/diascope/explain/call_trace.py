"""Trace the module calls of a network with forward hooks, which are always removed again."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Hook = Callable[[nn.Module, tuple[Any, ...], Any], None]


@dataclass(frozen=True)
class Call:
    """One call of a module on a batch of pictures or feature maps.

    Attributes:
        inputs, outputs: shapes ``(N, C, H, W)``.
        leaf: whether the module has no submodules.
        source: the leaf whose output was the input of this call; None if no leaf's was.
    """

    module: nn.Module
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    leaf: bool
    source: nn.Module | None


@dataclass(frozen=True, eq=False)
class Activations:
    """The input and output of a module in its first call, each ``(N, C, H, W)``."""

    inputs: Tensor
    output: Tensor


def trace_calls(network: nn.Module, batch: Tensor) -> list[Call]:
    """Run the network and return its calls in the order in which they returned."""
    calls: list[Call] = []
    kept: list[Tensor] = []  # the id of a freed tensor may be used again
    producers: dict[int, nn.Module] = {}

    def record(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        if not (arguments and _is_feature_maps(arguments[0]) and _is_feature_maps(output)):
            return
        inputs = arguments[0]
        leaf = next(module.children(), None) is None
        source = producers.get(id(inputs))
        calls.append(Call(module, tuple(inputs.shape), tuple(output.shape), leaf, source))
        kept.extend((inputs, output))
        if leaf:
            producers[id(output)] = module

    with torch.inference_mode(), forward_hooks(network.modules(), after=record):
        network(batch)
    return calls


def first_calls(calls: Sequence[Call]) -> list[Call]:
    """Return the first call of each module, the one that ``capture_activations`` copies.

    A network may call a module several times, for example one shared nonlinearity.
    """
    found: dict[nn.Module, Call] = {}
    for call in calls:
        found.setdefault(call.module, call)
    return list(found.values())


def capture_activations(
    network: nn.Module, batch: Tensor, modules: Collection[nn.Module]
) -> dict[nn.Module, Activations]:
    """Run the network and return copies of the modules' inputs and outputs in their first call."""
    inputs: dict[nn.Module, Tensor] = {}
    activations: dict[nn.Module, Activations] = {}

    def before(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        inputs.setdefault(module, arguments[0].clone())  # some layers work in place

    def after(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        if module not in activations:
            activations[module] = Activations(inputs[module], output.clone())

    with torch.no_grad(), forward_hooks(modules, before=before, after=after):
        network(batch)
    return activations


@contextmanager
def forward_hooks(
    modules: Iterator[nn.Module] | Collection[nn.Module],
    *,
    after: Hook,
    before: Callable[[nn.Module, tuple[Any, ...]], None] | None = None,
) -> Iterator[None]:
    """Call functions before and after each module's call, until the end of the context."""
    handles = []
    try:
        for module in modules:
            if before is not None:
                handles.append(module.register_forward_pre_hook(before))
            handles.append(module.register_forward_hook(after))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _is_feature_maps(value: Any) -> bool:
    return isinstance(value, Tensor) and value.ndim == 4
