"""The layers of a network as a table: what each does, its output, weights and receptive field."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from diascope.explain.call_trace import Call, first_calls, trace_calls
from diascope.explain.feature_maps import last_calls_by_depth
from diascope.explain.receptive_field import POINTWISE, CellGrid, window_of
from diascope.network import Network


@dataclass(frozen=True)
class LayerRow:
    """A layer, that is a convolution or pooling with what follows it, or a stage of several.

    Attributes:
        name: ``conv``, ``pool`` or a depth, such as ``depth2``.
        text: what a layer does; empty for a stage.
        output: the shape ``(C, h, w)`` of its maps for one picture.
        weights: the number of its parameters.
        grid: where its cells lie in the picture, if that is known.
    """

    name: str
    text: str
    output: tuple[int, int, int]
    weights: int
    grid: CellGrid | None


@dataclass(frozen=True)
class LayerTable:
    """The layers of a network, or if they are no plain sequence, its stages.

    Attributes:
        layered: whether the rows are layers, and not stages.
        elsewhere: the number of parameters of the backbone in none of the rows.
        head: the number of parameters of the head.
    """

    rows: tuple[LayerRow, ...]
    layered: bool
    elsewhere: int
    head: int

    @property
    def weights(self) -> int:
        """The number of parameters of the whole network."""
        return sum(row.weights for row in self.rows) + self.elsewhere + self.head


def tabulate_layers(network: Network, calls: Sequence[Call]) -> LayerTable:
    """Return the table of a network from the traced calls of its backbone."""
    layers = _sequential_layers(calls)
    rows = tuple(map(_layer_row, layers) if layers else _stage_rows(calls))
    backbone, head = (_count(part.parameters()) for part in (network.backbone, network.head))
    return LayerTable(rows, bool(layers), backbone - sum(row.weights for row in rows), head)


def tabulate_network(network: Network, channels: int, size: tuple[int, int]) -> LayerTable:
    """Return the table of a network in evaluation mode for pictures of ``size`` (height, width)."""
    weight = next(network.backbone.parameters(), torch.zeros(1))
    picture = torch.zeros(1, channels, *size, device=weight.device)
    return tabulate_layers(network, trace_calls(network.backbone, picture))


def _sequential_layers(calls: Sequence[Call]) -> list[list[Call]]:
    """Return the calls of each layer, or nothing if the network is no plain sequence of layers.

    Each layer has one convolution or pooling. Norms and nonlinearities belong to the layer before
    them, or to the first: so the layers are those that a recipe lists.
    """
    leaves = [call for call in calls if call.leaf]
    linked = all(after.source is before.module for before, after in pairwise(leaves))
    starts = [at for at, call in enumerate(leaves) if window_of(call.module)]
    once = len({leaves[at].module for at in starts}) == len(starts) > 0
    if not linked or not once or calls[-1].grid is None:
        return []
    return [leaves[start:end] for start, end in pairwise([0, *starts[1:], len(leaves)])]


def layer_names(backbone: nn.Module, calls: Sequence[Call]) -> dict[nn.Module, str]:
    """Return the name of each module's layer: its number in a plain sequence, counted from 1,
    otherwise the module's path in the backbone."""
    layers = _sequential_layers(calls)
    numbered = {
        call.module: f"Layer {number}" for number, layer in enumerate(layers, 1) for call in layer
    }
    return {module: name for name, module in backbone.named_modules()} | numbered


def describe_window(module: nn.Module) -> tuple[str, str] | None:
    """Return ``conv`` or ``pool`` and its settings in the words of recipes; None for other modules.

    Where two numbers differ, they are given as rows x columns.
    """
    window = window_of(module)
    if window is None:
        return None
    kernel, stride = _by(window.kernel), _by(window.stride)
    padding = _by(window.padding)
    if isinstance(module, nn.Conv2d):
        parts = [f"filters {module.out_channels}", f"kernel {kernel}"]
        parts += [f"stride {stride}"] if stride != "1" else []
        parts += [f"dilation {_by(window.dilation)}"] if window.dilation != (1, 1) else []
        parts += [f"groups {module.groups}"] if module.groups > 1 else []
        return "conv", ", ".join([*parts, f"padding {padding}"])
    parts = ["max" if isinstance(module, nn.MaxPool2d) else "average", f"size {kernel}"]
    parts += [f"stride {stride}"] if stride != kernel else []
    return "pool", ", ".join(parts + ([f"padding {padding}"] if padding != "0" else []))


def _layer_row(layer: Sequence[Call]) -> LayerRow:
    windows = [each for call in layer if (each := describe_window(call.module))]
    ((name, settings),) = windows
    functions = [POINTWISE.get(type(call.module)) for call in layer]
    text = ", ".join([settings, *filter(None, functions)])
    return _row(name, text, layer[-1], [call.module for call in layer])


def _stage_rows(calls: Sequence[Call]) -> Iterator[LayerRow]:
    """Yield a row for each depth, with the weights of the modules since the one before."""
    depths = last_calls_by_depth(calls, calls[0].inputs[2])
    ends = {call: f"depth{halvings}" for halvings, call in depths.items()}
    modules: list[nn.Module] = []
    for call in first_calls(calls):
        modules.append(call.module)
        if call in ends:
            yield _row(ends[call], "", call, modules)
            modules = []


def _row(name: str, text: str, last: Call, modules: Sequence[nn.Module]) -> LayerRow:
    _, channels, height, width = last.outputs
    weights = sum(_count(each.parameters(recurse=False)) for each in dict.fromkeys(modules))
    return LayerRow(name, text, (channels, height, width), weights, last.grid)


def _count(parameters: Iterator[nn.Parameter]) -> int:
    return sum(parameter.numel() for parameter in parameters)


def _by(numbers: tuple[int, int]) -> str:
    return f"{numbers[0]}" if numbers[0] == numbers[1] else f"{numbers[0]} x {numbers[1]}"
