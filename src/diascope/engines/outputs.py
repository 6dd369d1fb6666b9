"""What every engine takes and gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a network gave for a batch of N pictures and L outputs.

    Attributes:
        logits: ``(N, L)`` float32.
        maps: ``(N, L, h, w)`` float32, what each cell adds to each logit.
        bias: ``(L,)`` float32, the part of each logit that no cell accounts for.
        pooled: ``(N, F)`` float32, the backbone's features, averaged over the cells.
        attention: ``(N,)`` float32, the log weight of each picture among those of its item; None
            for heads that weigh all alike.
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
    """Return outputs whose logits are the sums of their maps.

    Every head's logit is its map's sum and its bias. Where an engine rounds, the sum over the
    rounded map keeps the evidence exact; that it is the network's own logit, the parity gate sees.
    """
    wide = maps.sum((2, 3), dtype=np.float64) + bias
    return Outputs(wide.astype(np.float32), maps, bias, pooled, attention)


def concatenate_outputs(parts: Sequence[Outputs]) -> Outputs:
    """Return the outputs for the pictures of all parts."""
    logits, maps, pooled = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("logits", "maps", "pooled")
    )
    attention = [part.attention for part in parts if part.attention is not None]
    return Outputs(
        logits, maps, parts[0].bias, pooled, np.concatenate(attention) if attention else None
    )
