"""Execute a network with PyTorch. In eager mode and float32 it is the reference for all engines."""

import copy

import numpy as np
import torch
from numpy.typing import NDArray

from diascope.card import ModelCard
from diascope.engines.exported import split_batch
from diascope.engines.fold_batch_norm import fold_batch_norms
from diascope.engines.graph import Graph
from diascope.engines.outputs import Outputs, outputs_from_maps
from diascope.network import Network
from diascope.torch_process import detect_lost_device, disable_tf32, limit_threads

_CHUNK = 32
"""The batch size of compiled graphs, and of copies to an accelerator."""

_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class ReferenceEngine:
    """Executes the network as it was trained: in float32, one operation after the other.

    The logits come from the network's head; the maps are computed separately.
    """

    name, precision = "torch", "float32"

    def __init__(self, network: Network, card: ModelCard, device: str) -> None:
        self.network = network
        self._graph, self._device = Graph(network, card, torch.float32), device
        disable_tf32(device)
        limit_threads()

    def run(self, pictures: NDArray[np.float32]) -> Outputs:
        with torch.inference_mode(), detect_lost_device(self._device):
            features = self._graph.features(torch.from_numpy(pictures).to(self._device))
            logits = self.network.head(features)
            maps, pooled, *attention = self._graph.head_outputs(features)
        return Outputs(
            _array(logits),
            _array(maps),
            _array(self.network.head.bias),
            _array(pooled),
            _array(attention[0]) if attention else None,
        )


class TorchEngine:
    """Executes a copy of the network with folded batch norms in a given precision.

    On CUDA the next pictures of a batch are copied while the previous ones are computed.

    Args:
        compiled: whether to use ``torch.compile``, which needs a C++ compiler on a CPU. Its batches
            have a fixed size, as every other size would be compiled again.
    """

    def __init__(
        self, network: Network, card: ModelCard, device: str, precision: str, *, compiled: bool
    ) -> None:
        self.name, self.precision = "compile" if compiled else "torch", precision
        backbone = copy.deepcopy(fold_batch_norms(network.backbone, card)).to(_TYPES[precision])
        own = Network(backbone, network.head).eval()
        self._graph, self._device = Graph(own, card, _TYPES[precision]), device
        self._call = torch.compile(self._graph, dynamic=False) if compiled else self._graph
        disable_tf32(device)
        limit_threads()
        self._copies = torch.cuda.Stream(device) if device.startswith("cuda") else None  # type: ignore[no-untyped-call]

    def run(self, pictures: NDArray[np.float32]) -> Outputs:
        with torch.inference_mode(), detect_lost_device(self._device):
            found = [self._call(self._copy_to_device(part)) for part in self._split(pictures)]
            whole = (torch.cat(each)[: len(pictures)] for each in zip(*found, strict=True))
            maps, pooled, *attention = map(_array, whole)
        bias = _array(self._graph.head.bias)
        return outputs_from_maps(maps, bias, pooled, attention[0] if attention else None)

    def _split(self, pictures: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        if self.name == "compile":
            return split_batch(pictures, _CHUNK)
        if self._copies is None:
            return [pictures]
        return [pictures[start : start + _CHUNK] for start in range(0, len(pictures), _CHUNK)]

    def _copy_to_device(self, pictures: NDArray[np.float32]) -> torch.Tensor:
        """Copy pictures to the device while it continues to compute."""
        tensor = torch.from_numpy(pictures)
        if self._copies is None:
            return tensor.to(self._device)
        with torch.cuda.stream(self._copies):
            copied = tensor.pin_memory().to(self._device, non_blocking=True)
        computing = torch.cuda.current_stream(self._device)
        computing.wait_stream(self._copies)
        copied.record_stream(computing)
        return copied


def _array(tensor: torch.Tensor) -> NDArray[np.float32]:
    return tensor.detach().contiguous().cpu().numpy()
