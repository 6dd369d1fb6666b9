"""Trace the module calls of a network with forward hooks, which are always removed again."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from diascope.explain.receptive_field import CellGrid, grid_after

Hook = Callable[[nn.Module, tuple[Any, ...], Any], None]


@dataclass(frozen=True)
class Call:
    """One call of a module on a batch of pictures or feature maps.

    Attributes:
        inputs, outputs: shapes ``(N, C, H, W)``.
        leaf: whether the module has no submodules.
        source: the leaf whose output was the input of this call; None if no leaf's was.
        grid: where the cells of the output lie in the picture; None if something on their way,
            such as a branch or the network's own code, leaves that unknown.
    """

    module: nn.Module
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    leaf: bool
    source: nn.Module | None
    grid: CellGrid | None


@dataclass(frozen=True, eq=False)
class Activations:
    """The input and output of a module in its first call, each ``(N, C, H, W)``."""

    inputs: Tensor
    output: Tensor


class _Origin(NamedTuple):
    """Which leaf made a tensor (None: it is the picture), and the tensor's version then."""

    version: int
    module: nn.Module | None
    grid: CellGrid | None


def trace_calls(network: nn.Module, batch: Tensor) -> list[Call]:
    """Run the network and return its calls in the order in which they returned."""
    calls: list[Call] = []
    kept: list[Tensor] = []  # the id of a freed tensor may be used again
    origins: dict[int, _Origin] = {}
    running: list[_Origin | None] = []  # where the inputs of the modules that run now came from

    def origin_of(value: Any) -> _Origin | None:
        found = origins.get(id(value))  # code that changes a tensor in place raises its version
        return found if found and found.version == value._version else None

    def enter(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        running.append(origin_of(arguments[0]) if arguments else None)

    def record(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        origin = running.pop()
        if not (arguments and _is_feature_maps(arguments[0]) and _is_feature_maps(output)):
            return
        inputs = arguments[0]
        kept.extend((inputs, output))
        leaf = next(module.children(), None) is None
        if leaf:
            grid = grid_after(origin.grid, module) if origin and origin.grid else None
            origins[id(output)] = _Origin(output._version, module, grid)
        made = origin_of(output)
        source = origin.module if origin else None
        shapes = tuple(inputs.shape), tuple(output.shape)
        calls.append(Call(module, *shapes, leaf, source, made.grid if made else None))

    with torch.inference_mode(False), torch.no_grad():  # inference tensors have no version
        picture = batch.clone()
        origins[id(picture)] = _Origin(picture._version, None, CellGrid())
        with forward_hooks(network.modules(), before=enter, after=record):
            network(picture)
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
    after: Hook | None = None,
    before: Callable[[nn.Module, tuple[Any, ...]], None] | None = None,
) -> Iterator[None]:
    """Call functions before and after each module's call, until the end of the context."""
    handles = []
    try:
        for module in modules:
            if before is not None:
                handles.append(module.register_forward_pre_hook(before))
            if after is not None:
                handles.append(module.register_forward_hook(after))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _is_feature_maps(value: Any) -> bool:
    return isinstance(value, Tensor) and value.ndim == 4
