"""Units of a network that can be named: a label, a filter of the first layer, a channel at a depth.

The names are those on the page: ``label:NAME``, ``filter:17`` and ``depth3:17``, where ``depth3``
means that the side of the picture was halved three times.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from diascope.display_text import suggest
from diascope.errors import UsageError
from diascope.explain.call_trace import (
    Activations,
    Call,
    capture_activations,
    forward_hooks,
    trace_calls,
)
from diascope.explain.convolution import is_close
from diascope.explain.feature_maps import format_map_scale, last_calls_by_depth
from diascope.explain.filters import first_convolution
from diascope.explain.unit_functions import (
    NONLINEARITIES,
    following_modules,
    identify_unit_functions,
)
from diascope.network import Network

T = TypeVar("T")
ModuleOutputs = Mapping[nn.Module, Tensor]
"""The output of each module."""

LABEL = "label:"
"""What the name of a label's target begins with."""

_NOISE_SCALE = 100.0  # large enough to reach the ceiling of a nonlinearity such as ReLU6


class Response(NamedTuple):
    """The response of a target to a picture.

    Attributes:
        strength: the mean over all positions, with negative values as 0; for a label, the logit.
        peak: the maximum over all positions; for a label, the logit.
    """

    strength: float
    peak: float


@dataclass(frozen=True, eq=False)
class Target:
    """A unit of the network: one logit or one feature map.

    Attributes:
        name: as requested.
        title: for people; for a label, its name.
        module: its output is ``(N, F)`` or ``(N, F, h, w)``.
        channel: the index in F.
        objective_module: gives the same values before the last nonlinearity, whose gradient may be
            0 everywhere and leave nothing to optimise.
        nonlinearity: the name in ``NONLINEARITIES`` of one that the network applies to the output
            of ``module`` in its own code; empty for none.
    """

    name: str
    title: str
    module: nn.Module
    channel: int
    objective_module: nn.Module
    nonlinearity: str = ""

    @property
    def is_label(self) -> bool:
        """Whether the unit is a logit and not a feature map."""
        return self.name.startswith(LABEL)

    def objective(self, outputs: ModuleOutputs) -> Tensor:
        """Return what to maximise: the logit, or the mean of the map after a leaky ReLU.

        The leak keeps the gradient from being 0 where the map is negative.
        """
        values = outputs[self.objective_module][0, self.channel]
        return values if self.is_label else functional.leaky_relu(values, 0.1).mean()

    def response(self, outputs: ModuleOutputs) -> Response:
        """Return the response to the first picture of a batch."""
        values = outputs[self.module][0, self.channel]
        if self.is_label:
            return Response(float(values), float(values))
        if self.nonlinearity:
            values = NONLINEARITIES[self.nonlinearity](values)
        return Response(float(values.relu().double().mean()), float(values.max()))


def record_outputs(targets: Sequence[Target], call: Callable[[], T]) -> tuple[T, ModuleOutputs]:
    """Return the result of a call, and the first output of each target's modules during it."""
    outputs: dict[nn.Module, Tensor] = {}

    def record(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        if module not in outputs:
            outputs[module] = output.clone()  # the next layer may work in place

    modules = {module for target in targets for module in (target.module, target.objective_module)}
    with forward_hooks(modules, after=record):
        result = call()
    return result, outputs


def find_targets(
    network: Network, batch: Tensor, outputs: Mapping[str, int], names: Sequence[str]
) -> list[Target]:
    """Return the targets of these names, each once.

    Args:
        batch: ``(1, C, H, W)``, on which the network is traced.
        outputs: label to the index of its logit.

    Raises:
        UsageError: for a name that this network does not have; the hint lists those it has.
    """
    if not names:
        return []
    layers = _find_layers(network, batch)
    return [
        _label_target(network, outputs, name) or _channel_target(layers, name)
        for name in dict.fromkeys(names)
    ]


def _label_target(network: Network, outputs: Mapping[str, int], name: str) -> Target | None:
    if not name.startswith(LABEL):
        return None
    label = name.removeprefix(LABEL)
    if label not in outputs:
        raise UsageError(
            f"{name!r} cannot be visualised: there is no such label",
            hint=suggest(label, list(outputs)),
        )
    return Target(name, label, network.head, outputs[label], network.head)


class _Layer(NamedTuple):
    """What the channels of a layer share; see ``Target``."""

    title: str
    channels: int
    module: nn.Module
    objective_module: nn.Module
    nonlinearity: str = ""


def _find_layers(network: Network, batch: Tensor) -> dict[str, _Layer]:
    """Return the layers whose channels can be targets: ``filter`` and each ``depth``."""
    calls = trace_calls(network.backbone, batch)
    first = first_convolution(calls)
    layers = {"filter": _first_layer(network, batch, calls, first)} if first else {}
    ends = last_calls_by_depth(calls, batch.shape[2])
    last = {halvings: _last_modules(calls, call) for halvings, call in ends.items()}
    activations = capture_activations(
        network.backbone, batch, {each for some in last.values() for each in some}
    )
    for halvings, call in ends.items():
        title = f"Channel {{}} at {format_map_scale(halvings, batch.shape[2], call.outputs[2])}"
        before = _objective_module(last[halvings], activations)
        layers[f"depth{halvings}"] = _Layer(title, call.outputs[1], call.module, before)
    return layers


def _last_modules(calls: Sequence[Call], call: Call) -> list[nn.Module]:
    """Return a call's module, the last leaf within it, and the leaf that feeds this one, if any."""
    leaf = next((each for each in reversed(calls[: calls.index(call) + 1]) if each.leaf), None)
    leaves = (leaf.module, leaf.source) if leaf else ()
    return [call.module, *(each for each in leaves if each is not None)]


def _objective_module(
    last: Sequence[nn.Module], activations: Mapping[nn.Module, Activations]
) -> nn.Module:
    """Return the leaf whose output a nonlinearity turns into the module's, or else the module."""
    whole, *leaves = last
    output = activations[whole].output
    for leaf in leaves:
        value = activations[leaf].output
        made = (function(value) for function in NONLINEARITIES.values())
        if not is_close(value, output) and any(is_close(each, output) for each in made):
            return leaf
    return whole


def _first_layer(network: Network, batch: Tensor, calls: Sequence[Call], first: Call) -> _Layer:
    later = following_modules(calls, first)
    noise = torch.randn(batch.shape, generator=torch.Generator().manual_seed(0)) * _NOISE_SCALE
    activations = capture_activations(network.backbone, noise.to(batch), {first.module, *later})
    found = identify_unit_functions(first.module, later, activations)
    module = first.module if found.scale is None else later[0]
    title = "Filter {} of the first layer"
    return _Layer(title, first.outputs[1], module, module, found.nonlinearity)


def _channel_target(layers: Mapping[str, _Layer], name: str) -> Target:
    kind, _, number = name.partition(":")
    layer = layers.get(kind)
    if layer is None or not number.isdecimal() or int(number) >= layer.channels:
        known = (f"{kind}:0 to {kind}:{layer.channels - 1}" for kind, layer in layers.items())
        raise UsageError(
            f"{name!r} cannot be visualised: this network has no such part",
            hint=f"It has {', '.join(known)}, and label:NAME.",
        )
    title = layer.title.format(number)
    return Target(
        name, title, layer.module, int(number), layer.objective_module, layer.nonlinearity
    )
