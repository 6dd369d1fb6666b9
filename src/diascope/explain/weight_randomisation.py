"""Cascading weight randomisation, a sanity check of evidence maps.

A map that does not change when the weights are random does not show what the network learned.

Source: Adebayo et al. 2018, "Sanity Checks for Saliency Maps"; here the weights of a layer are
shuffled, which keeps their magnitudes, so that maps do not fade with depth.
"""

from collections.abc import Iterator
from copy import deepcopy

import torch
from torch import Tensor, nn

from diascope.explain.call_trace import trace_calls
from diascope.network import Network


def randomise_layers(
    network: Network, batch: Tensor, shares: tuple[float, ...], seed: int
) -> Iterator[Network]:
    """Yield copies with random weights in the head and in the last layers of the backbone.

    Args:
        batch: any input of the network, to find the order of its layers.
        shares: fractions of the backbone's layers to randomise, from 0 to 1.
    """
    for share in shares:
        copy = deepcopy(network)
        layers = _layers(copy, batch)
        start = len(layers) - round(share * len(layers))
        _shuffle([copy.head, *reversed(layers[start:])], seed)
        yield copy


def _layers(network: Network, batch: Tensor) -> list[nn.Module]:
    """Return the backbone's layers that have weights, in the order of their calls."""
    called = dict.fromkeys(call.module for call in trace_calls(network.backbone, batch))
    return [layer for layer in called if next(layer.parameters(recurse=False), None) is not None]


def _shuffle(layers: list[nn.Module], seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in layers:
            for weight in layer.parameters():
                order = torch.randperm(weight.numel(), generator=random).to(weight.device)
                weight.copy_(weight.flatten()[order].reshape(weight.shape))
