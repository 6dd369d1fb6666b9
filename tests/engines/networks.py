"""Small classifiers with random weights, and their engines."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from diascope.card import Label, ModelCard
from diascope.engines.graph import export_onnx
from diascope.engines.ncnn import NcnnEngine
from diascope.engines.ncnn_graph import export_ncnn
from diascope.engines.onnx import OnnxEngine
from diascope.engines.openvino import OpenVinoEngine
from diascope.engines.outputs import Engine
from diascope.engines.torch import ReferenceEngine, TorchEngine
from diascope.network import Network, build_head
from diascope.plugin_creation import make_backbone

LAYERS = [
    {"conv": {"filters": 6, "stride": 2, "norm": "batch"}},
    {"pool": {"size": 2}},
    {"conv": {"filters": 8, "norm": "batch"}},
]


def classifier(backbone: str, head: str = "linear", **changes: Any) -> tuple[Network, ModelCard]:
    """Return a network for three labels and its card; always the same."""
    parameters = {"layers": LAYERS} if backbone == "convnet" else {}
    parameters = changes.get("backbone_parameters", parameters)
    values: dict[str, Any] = {
        "name": "random",
        "task": "multiclass",
        "labels": (Label("a"), Label("b"), Label("c")),
        "size": (48, 48),
        "backbone": backbone,
        "backbone_parameters": parameters,
        "mean": (0.5, 0.4, 0.3),
        "std": (0.2, 0.25, 0.3),
        "score_kind": "softmax",
        "head": head,
    }
    card = ModelCard(**values | changes)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = make_backbone(backbone, parameters)
        network = Network(made.build(), build_head(head, made.features, card.outputs))
        for module in network.modules():  # as after training: no statistic is 0 or 1
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.uniform_(-0.2, 0.2)
                module.running_var.uniform_(0.5, 1.5)
    return network.eval(), card


def engines(network: Network, card: ModelCard, folder: Path) -> dict[str, Engine]:
    """Return the engines of a network that compute in float32, by name."""
    graph = folder / "graph.onnx"
    export_onnx(network, card, graph)
    export_ncnn(network, card, folder / "graph.param")
    bias = network.head.bias.detach().numpy()
    return {
        "reference": ReferenceEngine(network, card, "cpu"),
        "torch": TorchEngine(network, card, "cpu", "float32", compiled=False),
        "openvino": OpenVinoEngine(graph, bias, "float32", folder),
        "onnx": OnnxEngine(graph, bias),
        "ncnn": NcnnEngine(folder / "graph.param", bias),
    }


def pictures(card: ModelCard, count: int) -> np.ndarray:
    """Return random pictures ``(N, H, W, C)`` in [0, 1]."""
    shape = (count, *card.size, card.channels)
    return np.random.default_rng(1).random(shape, dtype=np.float32)
