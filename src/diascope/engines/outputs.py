"""The interface of engines and their outputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of a network with L logits for a batch of N pictures.

    Attributes:
        logits: ``(N, L)`` float32.
        maps: ``(N, L, h, w)`` float32, the contribution of each cell to each logit.
        bias: ``(L,)`` float32, the part of each logit that is not attributed to any cell.
        pooled: ``(N, F)`` float32, the backbone's features, averaged over the cells.
        attention: ``(N,)`` float32, the log weight of each picture within its item; None for heads
            that weigh all equally.
    """

    logits: NDArray[np.float32]
    maps: NDArray[np.float32]
    bias: NDArray[np.float32]
    pooled: NDArray[np.float32]
    attention: NDArray[np.float32] | None


class Engine(Protocol):
    """A network that is ready to be executed.

    Attributes:
        name, precision: such as ``openvino`` and ``bfloat16``.
    """

    name: str
    precision: str

    def run(self, pictures: NDArray[np.float32]) -> Outputs:
        """Execute the network on ``(N, H, W, C)`` pictures with black at 0 and white at 1."""


def outputs_from_maps(
    maps: NDArray[np.float32],
    bias: NDArray[np.float32],
    pooled: NDArray[np.float32],
    attention: NDArray[np.float32] | None,
) -> Outputs:
    """Return outputs whose logits are the sums of their maps plus the bias.

    If an engine rounds, the maps still add up to the logits exactly. That these sums match the
    network's own logits is checked by comparing the engine with the reference.
    """
    wide = maps.sum((2, 3), dtype=np.float64) + bias
    return Outputs(wide.astype(np.float32), maps, bias, pooled, attention)


def concatenate_outputs(parts: Sequence[Outputs]) -> Outputs:
    """Return the outputs for the pictures of all parts together."""
    logits, maps, pooled = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("logits", "maps", "pooled")
    )
    attention = [part.attention for part in parts if part.attention is not None]
    return Outputs(
        logits, maps, parts[0].bias, pooled, np.concatenate(attention) if attention else None
    )
