"""What the engines of exported graphs share: what a graph takes, and the names of what it gives."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.engines.outputs import Outputs, outputs_from_maps

INPUT = "pictures"
OUTPUTS = ("maps", "pooled", "attention")

GRAPH_BATCH = 2
"""Pictures that a graph takes, always: few, so that what passes between its layers stays near its
core. As many cores as there are answer such pairs at the same time."""


def split_batch(
    pictures: NDArray[np.float32], size: int = GRAPH_BATCH
) -> list[NDArray[np.float32]]:
    """Cut a batch into parts of ``size`` pictures; the last picture fills up the last part."""
    missing = -len(pictures) % size
    if missing:
        pictures = np.concatenate([pictures, *[pictures[-1:]] * missing])
    return [pictures[start : start + size] for start in range(0, len(pictures), size)]


def outputs_from_parts(
    found: Sequence[Mapping[str, NDArray[Any]]], count: int, bias: NDArray[np.float32]
) -> Outputs:
    """Return the outputs for ``count`` pictures, of what a graph gave by name for each pair."""
    every = {
        name: np.concatenate([each[name] for each in found])[:count].astype(np.float32, copy=False)
        for name in found[0]
    }
    maps, pooled = (every[name] for name in OUTPUTS[:2])
    return outputs_from_maps(maps, bias, pooled, every.get(OUTPUTS[2]))
