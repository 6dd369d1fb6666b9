"""Execute a network with PyTorch, eagerly, in float32: the reference for every other engine."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from diascope.network import AttentionHead, Network


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a network gave for a batch of N pictures and L outputs.

    Attributes:
        logits: ``(N, L)`` float32.
        maps: ``(N, L, h, w)`` float32, what each cell adds to each logit; None if not asked for.
        bias: ``(L,)`` float32, the part of each logit that no cell accounts for.
        pooled: ``(N, F)`` float32, the backbone's features, averaged over the cells.
        attention: ``(N,)`` float32, the log weight of each picture among those of its item; None
            for heads that weigh all alike.
    """

    logits: NDArray[np.float32]
    maps: NDArray[np.float32] | None
    bias: NDArray[np.float32]
    pooled: NDArray[np.float32]
    attention: NDArray[np.float32] | None


def execute(network: Network, batch: NDArray[np.float32], device: str, *, maps: bool) -> Outputs:
    """Run a batch ``(N, C, H, W)``, normalised, through the network.

    The logits come from the network's own head; the maps are worked out beside it.
    """
    with torch.inference_mode():
        tensor = torch.from_numpy(batch).to(device, memory_format=torch.channels_last)
        features = network.backbone(tensor)
        logits = network.head(features)
        cells = network.head.maps(features) if maps else None
        pooled = features.mean((2, 3))
        head = network.head
        attention = head.attention(pooled) if isinstance(head, AttentionHead) else None
    return Outputs(
        logits.cpu().numpy(),
        cells.contiguous().cpu().numpy() if cells is not None else None,
        network.head.bias.detach().cpu().numpy(),
        pooled.cpu().numpy(),
        attention.cpu().numpy() if attention is not None else None,
    )


def choose_device(wanted: str) -> str:
    """Return the device to use; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        ValueError: if that device is not on this machine.
    """
    if wanted == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(1, device=wanted)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"the device {wanted!r} is not on this machine: {first}") from error
    return wanted
