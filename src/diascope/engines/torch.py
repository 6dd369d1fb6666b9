"""Execute a network with PyTorch; eagerly and in float32, it is the reference for all engines."""

import copy

import numpy as np
import torch
from numpy.typing import NDArray

from diascope.card import ModelCard
from diascope.engines.fold import folded
from diascope.engines.graph import Graph
from diascope.engines.outputs import Outputs, summed
from diascope.network import Network

_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Reference:
    """The network as it was trained, in float32, one operation after the other.

    The logits come from the network's own head; the maps are worked out beside it.
    """

    name, precision = "torch", "float32"

    def __init__(self, network: Network, card: ModelCard, device: str) -> None:
        self.network = network
        self._graph, self._device = Graph(network, card, torch.float32), device

    def run(self, pictures: NDArray[np.float32]) -> Outputs:
        with torch.inference_mode():
            features = self._graph.features(torch.from_numpy(pictures).to(self._device))
            logits = self.network.head(features)
            maps, pooled, *attention = self._graph.answers(features)
        return Outputs(
            _array(logits),
            _array(maps),
            _array(self.network.head.bias),
            _array(pooled),
            _array(attention[0]) if attention else None,
        )


class TorchEngine:
    """A copy of the network with folded batch norms, in the precision asked for.

    Args:
        compiled: by ``torch.compile``, which needs a C++ compiler on a processor.
    """

    def __init__(
        self, network: Network, card: ModelCard, device: str, precision: str, *, compiled: bool
    ) -> None:
        self.name, self.precision = "compile" if compiled else "torch", precision
        backbone = copy.deepcopy(folded(network.backbone, card)).to(_TYPES[precision])
        own = Network(backbone, network.head).eval()
        self._graph, self._device = Graph(own, card, _TYPES[precision]), device
        self._call = torch.compile(self._graph, dynamic=False) if compiled else self._graph

    def run(self, pictures: NDArray[np.float32]) -> Outputs:
        tensor = torch.from_numpy(pictures)
        if self._device.startswith("cuda"):
            tensor = tensor.pin_memory()
        with torch.inference_mode():
            outputs = self._call(tensor.to(self._device, non_blocking=True))
            maps, pooled, *attention = (_array(each) for each in outputs)
        bias = _array(self._graph.head.bias)
        return summed(maps, bias, pooled, attention[0] if attention else None)


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.detach().contiguous().cpu().numpy()
    return array
