"""What the engines of exported graphs share: the names of what a graph gives."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.engines.outputs import Outputs, summed

INPUT = "pictures"
OUTPUTS = ("maps", "pooled", "attention")


def outputs_of(found: Mapping[str, NDArray[Any]], bias: NDArray[np.float32]) -> Outputs:
    """Return the outputs of a graph, given by name."""
    maps, pooled = (found[name].astype(np.float32, copy=False) for name in OUTPUTS[:2])
    return summed(maps, bias, pooled, found.get(OUTPUTS[2]))
