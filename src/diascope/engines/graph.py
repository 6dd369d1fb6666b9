"""A classifier's network as one graph: from pictures between black and white to all it answers."""

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from diascope.card import ModelCard
from diascope.engines.exported import GRAPH_BATCH, INPUT, OUTPUTS
from diascope.network import AttentionHead, Network


class Graph(nn.Module):
    """Normalises, runs the backbone, and gives what ``Outputs`` is made of.

    Args:
        network: in evaluation mode.
        card: names mean and deviation.
        dtype: of the backbone's weights and sums; normalisation and head stay in float32.
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
        """Return ``(N, F, h, w)`` float32 of pictures ``(N, H, W, C)``, which is channels-last."""
        normal = ((pictures - self.mean) / self.std).permute(0, 3, 1, 2)
        features: Tensor = self.backbone(normal.to(self.dtype)).float()
        return features

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Return maps, pooled features and, if the head has it, attention."""
        return self.answers(self.features(pictures))

    def answers(self, features: Tensor) -> tuple[Tensor, ...]:
        """Return the same of features."""
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
        warnings.simplefilter("ignore")  # that sizes are fixed in it
        torch.onnx.export(
            graph,
            (example,),
            str(path),
            dynamo=False,
            input_names=[INPUT],
            output_names=names,
        )
