"""What can be asked for by name: a label, a filter of the first layer, a channel at a depth.

Names are as the page shows them: ``label:NAME``, ``filter:17``, ``depth3:17``, where ``depth3`` is
where the picture's side was halved three times.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from diascope.document import suggest
from diascope.errors import UsageError
from diascope.explain.call_trace import (
    Activations,
    Call,
    capture_activations,
    forward_hooks,
    trace_calls,
)
from diascope.explain.feature_maps import last_calls, share_words
from diascope.explain.filters import first_convolution
from diascope.explain.unit_functions import NONLINEARITIES, after, equal, following
from diascope.network import Network

T = TypeVar("T")
Outputs = Mapping[nn.Module, Tensor]
"""What modules gave."""

_LABEL = "label:"
_LOUD = 100.0  # a picture so strong that it tells a nonlinearity with a ceiling from one without


class Response(NamedTuple):
    """How strongly a target fires on a picture.

    Attributes:
        strength: the mean of what is above 0, over all places; of a label, the logit.
        peak: at the place where it fires most; of a label, the logit.
    """

    strength: float
    peak: float


@dataclass(frozen=True, eq=False)
class Target:
    """One number, or one map, that a network makes of a picture.

    Attributes:
        name: as it was asked for.
        title: in words; of a label, its name.
        module: gives ``(N, F)`` or ``(N, F, h, w)``.
        channel: which of F.
        driver: gives the same before the last nonlinearity, above which the slope may be 0
            everywhere, so that nothing shows the way to what excites.
        nonlinearity: a name of ``NONLINEARITIES`` that the network applies to what ``module``
            gives, where no other module shows it; empty for none.
    """

    name: str
    title: str
    module: nn.Module
    channel: int
    driver: nn.Module
    nonlinearity: str = ""

    @property
    def is_label(self) -> bool:
        """Whether it gives one number, a logit, not a map."""
        return self.name.startswith(_LABEL)

    def drive(self, seen: Outputs) -> Tensor:
        """Return what is to be made large: the logit, or what a map holds above 0, in the mean.

        What is below 0 counts a little, so that there is a way up from everywhere.
        """
        values = seen[self.driver][0, self.channel]
        return values if self.is_label else functional.leaky_relu(values, 0.1).mean()

    def response(self, seen: Outputs) -> Response:
        """Return how strongly it fires on the first picture of a batch."""
        values = seen[self.module][0, self.channel]
        if self.is_label:
            return Response(float(values), float(values))
        if self.nonlinearity:
            values = NONLINEARITIES[self.nonlinearity](values)
        return Response(float(values.relu().double().mean()), float(values.max()))


def watched(targets: Sequence[Target], answer: Callable[[], T]) -> tuple[T, Outputs]:
    """Return what a call gives, and what the targets' modules gave the first time in it."""
    seen: dict[nn.Module, Tensor] = {}

    def note(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        if module not in seen:
            seen[module] = output.clone()  # some layers write over their input

    modules = {module for target in targets for module in (target.module, target.driver)}
    with forward_hooks(modules, after=note):
        answered = answer()
    return answered, seen


def targets_of(
    network: Network, batch: Tensor, outputs: Mapping[str, int], names: Sequence[str]
) -> list[Target]:
    """Find what is asked for by name.

    Args:
        batch: ``(1, C, H, W)``; tells what the network calls, in which order.
        outputs: label to the output that speaks for it.

    Raises:
        UsageError: for a name that is none of this network's, with those that are.
    """
    if not names:
        return []
    found = _layers(network, batch)
    return [
        _label(network, outputs, name) or _channel(found, name) for name in dict.fromkeys(names)
    ]


def _label(network: Network, outputs: Mapping[str, int], name: str) -> Target | None:
    if not name.startswith(_LABEL):
        return None
    label = name.removeprefix(_LABEL)
    if label not in outputs:
        raise UsageError(
            f"{name!r} cannot be wanted: there is no such label",
            hint=suggest(label, list(outputs)),
        )
    return Target(name, label, network.head, outputs[label], network.head)


class _Layer(NamedTuple):
    """What the channels of a layer have in common; see ``Target``."""

    title: str
    channels: int
    module: nn.Module
    driver: nn.Module
    nonlinearity: str = ""


def _layers(network: Network, batch: Tensor) -> dict[str, _Layer]:
    """Return ``filter`` and each ``depth``, of which channels can be wanted."""
    calls = trace_calls(network.backbone, batch)
    first = first_convolution(calls)
    layers = {"filter": _first_layer(network, batch, calls, first)} if first else {}
    ends = last_calls(calls, batch.shape[2])
    last = {halvings: _last_modules(calls, call) for halvings, call in ends.items()}
    seen = capture_activations(
        network.backbone, batch, {each for some in last.values() for each in some}
    )
    for halvings, call in ends.items():
        share = share_words(halvings, batch.shape[2], call.outputs[2])
        title, driver = f"Channel {{}} at {share}", _driver(last[halvings], seen)
        layers[f"depth{halvings}"] = _Layer(title, call.outputs[1], call.module, driver)
    return layers


def _last_modules(calls: Sequence[Call], call: Call) -> list[nn.Module]:
    """Return what a call is of, the last leaf in it, and the leaf before that one, if any."""
    leaf = next((each for each in reversed(calls[: calls.index(call) + 1]) if each.leaf), None)
    leaves = (leaf.module, leaf.source) if leaf else ()
    return [call.module, *(each for each in leaves if each is not None)]


def _driver(last: Sequence[nn.Module], seen: Mapping[nn.Module, Activations]) -> nn.Module:
    """Return the leaf of which a nonlinearity makes a module's output, or else the module."""
    whole, *leaves = last
    output = seen[whole].output
    for leaf in leaves:
        value = seen[leaf].output
        made = (function(value) for function in NONLINEARITIES.values())
        if not equal(value, output) and any(equal(each, output) for each in made):
            return leaf
    return whole


def _first_layer(network: Network, batch: Tensor, calls: Sequence[Call], first: Call) -> _Layer:
    later = following(calls, first)
    noise = torch.randn(batch.shape, generator=torch.Generator().manual_seed(0)) * _LOUD
    seen = capture_activations(network.backbone, noise.to(batch), {first.module, *later})
    found = after(first.module, later, seen)
    module = first.module if found.scale is None else later[0]
    title = "Filter {} of the first layer"
    return _Layer(title, first.outputs[1], module, module, found.nonlinearity)


def _channel(layers: Mapping[str, _Layer], name: str) -> Target:
    kind, _, number = name.partition(":")
    layer = layers.get(kind)
    if layer is None or not number.isdecimal() or int(number) >= layer.channels:
        known = (f"{kind}:0 to {kind}:{layer.channels - 1}" for kind, layer in layers.items())
        raise UsageError(
            f"{name!r} cannot be wanted: this network has no such part",
            hint=f"It has {', '.join(known)}, and label:NAME.",
        )
    title = layer.title.format(number)
    return Target(name, title, layer.module, int(number), layer.driver, layer.nonlinearity)
