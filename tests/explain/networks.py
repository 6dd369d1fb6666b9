"""Networks with random weights for the tests of explain."""

from typing import Any

import torch
from torch import Tensor, nn

from diascope.network import Network, build_head
from diascope.plugin_creation import make_backbone

LAYERS = {
    "layers": [
        {"conv": {"filters": 8, "norm": "batch"}},
        {"pool": {"size": 2}},
        {"conv": {"filters": 6, "activation": "leaky-relu", "norm": "instance"}},
        {"pool": {"kind": "average", "size": 2}},
    ]
}
BACKBONES: dict[str, dict[str, Any]] = {
    "convnet": LAYERS,
    "densenet121": {},
    "efficientnet-b0": {},
    "efficientnet-lite0": {},
    "resnet18": {},
    "resnet50": {},
}


def make_network(name: str = "convnet", head: str = "linear", outputs: int = 3) -> Network:
    """Return a network in evaluation mode, always with the same weights."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        backbone = make_backbone(name, BACKBONES[name])
        built = build_head(head, backbone.features, outputs)
        network = Network(backbone.build(), built)
        set_batch_statistics(network, torch.randn(4, 3, 64, 64))
        return network


def set_batch_statistics(network: Network, batch: Tensor) -> None:
    """Set batch statistics as a training would; without them maps fade to 0."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # cumulative average
    with torch.no_grad():
        network.train()(batch)
    network.eval()


def make_batch(side: int = 64) -> Tensor:
    """Return a batch of one random picture ``(1, 3, side, side)``, always the same."""
    return torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(2))
