"""Everything the page shows of a network and a picture.

It takes two passes through the backbone, and one through the network for each occluded cell.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from diascope.explain.attribution import Attribution, Method, attribute, integrated_gradients
from diascope.explain.call_trace import Activations, Call, capture_activations, trace_calls
from diascope.explain.convolution import Convolution, reconstruct_convolution
from diascope.explain.feature_maps import Depth, last_calls_by_depth, summarise_depth
from diascope.explain.filters import Filter, filter_responses, first_convolution
from diascope.explain.layer_table import LayerTable, layer_names, tabulate_layers
from diascope.explain.occlusion import Occlusion, measure_occlusion
from diascope.explain.receptive_field import CellGrid
from diascope.explain.shown_convolutions import select_convolutions
from diascope.explain.unit_functions import (
    UnitFunctions,
    following_modules,
    identify_unit_functions,
)
from diascope.network import Network


@dataclass(frozen=True, eq=False)
class ExplainedLayer:
    """A convolution whose arithmetic the page shows, and the functions that follow it.

    Attributes:
        name: such as ``Layer 3``, or its path in a network of other than plain layers.
    """

    name: str
    convolution: Convolution
    functions: UnitFunctions


@dataclass(frozen=True, eq=False)
class Explanation:
    """What a network did with one picture.

    Attributes:
        table: of the network's layers.
        grid: where the cells of the last maps lie in the picture; None if that is unknown.
        filters: of the first convolution, as ``filter_responses`` sorts them; empty without one.
        evidence: label to its map; with integrated gradients, of the chosen label only.
        occlusion: of the chosen label; None if not requested.
    """

    table: LayerTable
    grid: CellGrid | None
    filters: tuple[Filter, ...]
    depths: tuple[Depth, ...]
    layers: tuple[ExplainedLayer, ...]
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
    """Explain how a network classifies a picture.

    Args:
        network: in evaluation mode.
        batch: ``(1, C, H, W)``.
        outputs: label to the index of its logit.
        chosen: the label to examine closely.

    Raises:
        UsageError: if the method needs a package that is not installed.
    """
    backbone, side = network.backbone, batch.shape[2]
    calls = trace_calls(backbone, batch)
    first = first_convolution(calls)
    ends = last_calls_by_depth(calls, side)
    shown = select_convolutions(calls, side)
    modules = {backbone, *(call.module for call in ends.values())}
    for call in ([first] if first else []) + shown:
        modules |= {call.module, *following_modules(calls, call)}
    activations = capture_activations(backbone, batch, modules)
    features = activations[backbone].output
    grid = (features.shape[2], features.shape[3])
    filters: tuple[Filter, ...] = ()
    if first:
        later = following_modules(calls, first)
        functions = identify_unit_functions(first.module, later, activations)
        filters = filter_responses(first, functions.activated)
    return Explanation(
        table=tabulate_layers(network, calls),
        grid=calls[-1].grid,
        filters=filters,
        depths=tuple(
            summarise_depth(halvings, call, activations[call.module])
            for halvings, call in ends.items()
        ),
        layers=tuple(_layers(backbone, calls, shown, activations)),
        evidence=_evidence(network, batch, features, outputs, chosen, method),
        occlusion=measure_occlusion(network, batch, outputs[chosen], grid) if occlusion else None,
    )


def _layers(
    backbone: nn.Module,
    calls: Sequence[Call],
    convolutions: Sequence[Call],
    activations: Mapping[nn.Module, Activations],
) -> Iterator[ExplainedLayer]:
    names = layer_names(backbone, calls)
    for call in convolutions:
        convolution = reconstruct_convolution(call.module, activations[call.module])
        if convolution is not None:
            later = following_modules(calls, call)
            functions = identify_unit_functions(call.module, later, activations)
            yield ExplainedLayer(names[call.module], convolution, functions)


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
