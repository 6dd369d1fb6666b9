"""All that is shown of one picture, from two runs of the backbone and one for each hidden part."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from diascope.explain.call_trace import Activations, Call, capture_activations, trace_calls
from diascope.explain.convolution import Convolution, convolution_of
from diascope.explain.evidence import Attribution, Method, attribute, integrated_gradients
from diascope.explain.feature_maps import Depth, depth_of, last_calls
from diascope.explain.filters import Filter, fired, first_convolution
from diascope.explain.layers import chosen_layers
from diascope.explain.occlusion import Occlusion, measure_occlusion
from diascope.explain.unit_functions import After, after, following
from diascope.network import Network


@dataclass(frozen=True, eq=False)
class Layer:
    """A convolution that the page works out, and what follows it."""

    convolution: Convolution
    after: After


@dataclass(frozen=True, eq=False)
class Explanation:
    """What a network did with one picture.

    Attributes:
        filters: of the first layer, as ``fired`` sorts them; empty if it has no convolution.
        evidence: label to its map; of integrated gradients, only that of the chosen label.
        occlusion: of the chosen label; None if it was not asked for.
    """

    filters: tuple[Filter, ...]
    depths: tuple[Depth, ...]
    layers: tuple[Layer, ...]
    evidence: Mapping[str, Attribution]
    occlusion: Occlusion | None


def explain(
    network: Network,
    batch: Tensor,
    outputs: Mapping[str, int],
    chosen: str,
    *,
    method: Method = "exact",
    occlusion: bool = True,
) -> Explanation:
    """Look at a network, in evaluation mode, while it looks at a batch ``(1, C, H, W)``.

    Args:
        outputs: label to the output that speaks for it.
        chosen: the label whose evidence is looked at closely.

    Raises:
        UsageError: if the method needs what is not installed.
    """
    backbone, side = network.backbone, batch.shape[2]
    calls = trace_calls(backbone, batch)
    first = first_convolution(calls)
    ends = last_calls(calls, side)
    inner = chosen_layers(calls, side)
    wanted = {backbone, *(call.module for call in ends.values())}
    convolutions = [*([first] if first else []), *inner]
    for call in convolutions:
        wanted |= {call.module, *following(calls, call)}
    seen = capture_activations(backbone, batch, wanted)
    features = seen[backbone].output
    grid = (features.shape[2], features.shape[3])
    filters: tuple[Filter, ...] = ()
    if first:
        filters = fired(first, after(first.module, following(calls, first), seen).activated)
    return Explanation(
        filters=filters,
        depths=tuple(depth_of(halvings, seen[call.module]) for halvings, call in ends.items()),
        layers=tuple(_layers(calls, inner, seen)),
        evidence=_evidence(network, batch, features, outputs, chosen, method),
        occlusion=measure_occlusion(network, batch, outputs[chosen], grid) if occlusion else None,
    )


def _layers(
    calls: Sequence[Call], inner: Sequence[Call], seen: Mapping[nn.Module, Activations]
) -> Iterator[Layer]:
    for call in inner:
        convolution = convolution_of(call.module, seen[call.module])
        if convolution is not None:
            later = after(call.module, following(calls, call), seen)
            yield Layer(convolution, later)


def _evidence(
    network: Network,
    batch: Tensor,
    features: Tensor,
    outputs: Mapping[str, int],
    chosen: str,
    method: Method,
) -> dict[str, Attribution]:
    if method == "integrated-gradients":
        return {chosen: integrated_gradients(network, batch, outputs[chosen])}
    return {
        label: attribute(network, features, output, method) for label, output in outputs.items()
    }
