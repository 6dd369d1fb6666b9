"""What a network calls, in order, and what goes in and comes out; no hook outlives a function."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Hook = Callable[[nn.Module, tuple[Any, ...], Any], None]


@dataclass(frozen=True)
class Call:
    """One call of a module with a batch of pictures or maps.

    Attributes:
        inputs, outputs: shapes ``(N, C, H, W)``.
        leaf: whether the module holds no others.
        source: the leaf whose output this call took, unchanged; None if there is no such leaf.
    """

    module: nn.Module
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    leaf: bool
    source: nn.Module | None


@dataclass(frozen=True, eq=False)
class Activations:
    """What went through a module in its first call: ``(N, C, H, W)`` each."""

    inputs: Tensor
    output: Tensor


def trace_calls(network: nn.Module, batch: Tensor) -> list[Call]:
    """Run the network and return its calls in the order in which they ended."""
    calls: list[Call] = []
    kept: list[Tensor] = []  # a tensor that is gone may give its id to another
    makers: dict[int, nn.Module] = {}

    def note(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        if not (arguments and _is_feature_maps(arguments[0]) and _is_feature_maps(output)):
            return
        inputs = arguments[0]
        leaf = next(module.children(), None) is None
        source = makers.get(id(inputs))
        calls.append(Call(module, tuple(inputs.shape), tuple(output.shape), leaf, source))
        kept.extend((inputs, output))
        if leaf:
            makers[id(output)] = module

    with torch.inference_mode(), forward_hooks(network.modules(), after=note):
        network(batch)
    return calls


def first_calls(calls: Sequence[Call]) -> list[Call]:
    """Return the first call of each module, which is the one that is captured.

    A network may call one module at several places, such as its only nonlinearity.
    """
    found: dict[nn.Module, Call] = {}
    for call in calls:
        found.setdefault(call.module, call)
    return list(found.values())


def capture_activations(
    network: nn.Module, batch: Tensor, modules: Collection[nn.Module]
) -> dict[nn.Module, Activations]:
    """Run the network and return copies of what went through some of its modules at first."""
    inputs: dict[nn.Module, Tensor] = {}
    seen: dict[nn.Module, Activations] = {}

    def before(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        inputs.setdefault(module, arguments[0].clone())  # some layers write over their input

    def after(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        if module not in seen:
            seen[module] = Activations(inputs[module], output.clone())

    with torch.no_grad(), forward_hooks(modules, before=before, after=after):
        network(batch)
    return seen


@contextmanager
def forward_hooks(
    modules: Iterator[nn.Module] | Collection[nn.Module],
    *,
    after: Hook,
    before: Callable[[nn.Module, tuple[Any, ...]], None] | None = None,
) -> Iterator[None]:
    """Have functions called around each module's call, and take them away whatever happens."""
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
