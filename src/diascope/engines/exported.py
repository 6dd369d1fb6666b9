"""Shared by the engines of exported graphs: batch size, and names of input and outputs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.engines.outputs import Outputs, outputs_from_maps

INPUT = "pictures"
OUTPUTS = ("maps", "pooled", "attention")

GRAPH_BATCH = 2
"""The fixed batch size of a graph. It is small, so that activations stay in the cache of a core;
all cores process such pairs in parallel."""


def split_batch(
    pictures: NDArray[np.float32], size: int = GRAPH_BATCH
) -> list[NDArray[np.float32]]:
    """Split a batch into parts of ``size`` pictures; the last picture pads the last part."""
    missing = -len(pictures) % size
    if missing:
        pictures = np.concatenate([pictures, *[pictures[-1:]] * missing])
    return [pictures[start : start + size] for start in range(0, len(pictures), size)]


def outputs_from_parts(
    found: Sequence[Mapping[str, NDArray[Any]]], count: int, bias: NDArray[np.float32]
) -> Outputs:
    """Return the outputs for ``count`` pictures from a graph's outputs by name for each part."""
    every = {
        name: np.concatenate([each[name] for each in found])[:count].astype(np.float32, copy=False)
        for name in found[0]
    }
    maps, pooled = (every[name] for name in OUTPUTS[:2])
    return outputs_from_maps(maps, bias, pooled, every.get(OUTPUTS[2]))
