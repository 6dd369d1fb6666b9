"""Convert preprocessed samples into network input, identically in training and inference."""

import numpy as np
from numpy.typing import NDArray

from diascope.sample import Sample


def to_network_input(sample: Sample, size: tuple[int, int], channels: int) -> NDArray[np.float32]:
    """Return ``(H, W, C)`` in [0, 1]; grey is repeated if the network takes three channels.

    Args:
        size: (height, width) of the network's input.

    Raises:
        ValueError: if the sample does not have this size or these channels.
    """
    height, width = size
    rows, columns, has = sample.pixels.shape
    if (rows, columns) != (height, width):
        raise ValueError(
            f"the model takes pictures of {width}x{height}, got {columns}x{rows}; "
            f"add `resize: {{size: [{height}, {width}]}}` to preprocess"
        )
    if not accepts_channels(channels, has):
        raise ValueError(f"the model takes {channels} channels, got {has}")
    unit = sample.unit()
    return unit if has == channels else np.repeat(unit, channels, axis=2)


def accepts_channels(channels: int, has: int) -> bool:
    """Return whether a network with ``channels`` inputs accepts a picture that ``has`` channels."""
    return has == channels or (has, channels) == (1, 3)
