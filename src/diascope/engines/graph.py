"""A classifier's network as one graph, from pictures in [0, 1] to all outputs."""

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from diascope.card import ModelCard
from diascope.engines.exported import GRAPH_BATCH, INPUT, OUTPUTS
from diascope.network import AttentionHead, Network


class Graph(nn.Module):
    """Normalises pictures, runs the backbone, and returns the parts of ``Outputs``.

    Args:
        network: a network in evaluation mode.
        card: the card with mean and standard deviation.
        dtype: the type in which the backbone computes; normalisation and head stay in float32.
    """

    def __init__(self, network: Network, card: ModelCard, dtype: torch.dtype) -> None:
        super().__init__()
        self.backbone, self.head, self.dtype = network.backbone, network.head, dtype
        device = next(network.head.parameters()).device
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(card.mean, dtype=torch.float32, device=device))
        self.register_buffer("std", torch.tensor(card.std, dtype=torch.float32, device=device))

    def features(self, pictures: Tensor) -> Tensor:
        """Return ``(N, F, h, w)`` float32 features of channels-last pictures ``(N, H, W, C)``."""
        normal = ((pictures - self.mean) / self.std).permute(0, 3, 1, 2)
        features: Tensor = self.backbone(normal.to(self.dtype)).float()
        return features

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Return maps, pooled features and, if the head has it, attention."""
        return self.head_outputs(self.features(pictures))

    def head_outputs(self, features: Tensor) -> tuple[Tensor, ...]:
        """Return the same from features."""
        pooled = features.mean((2, 3))
        maps = self.head.maps(features)
        if isinstance(self.head, AttentionHead):
            return maps, pooled, self.head.attention(pooled)
        return maps, pooled


def export_onnx(network: Network, card: ModelCard, path: Path) -> None:
    """Write the graph in float32 as ONNX, for ``GRAPH_BATCH`` pictures of the card's size."""
    graph = Graph(network, card, torch.float32).eval()
    example = torch.zeros(GRAPH_BATCH, *card.size, card.channels)
    names = list(OUTPUTS[: 2 + isinstance(network.head, AttentionHead)])
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # about the fixed sizes
        torch.onnx.export(
            graph,
            (example,),
            str(path),
            dynamo=False,
            input_names=[INPUT],
            output_names=names,
        )
