"""How many weights a network has, from the header of its file and without torch."""

import math
from pathlib import Path

from diascope.card import WEIGHTS_FILE

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def count_weights(directory: Path) -> int | None:
    """Return the number of parameters of the network in a weights folder.

    None if its file cannot be read or holds only a head, because a plugin provides the backbone.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(directory / WEIGHTS_FILE, "np") as file:
            names: list[str] = file.keys()
            sizes: dict[str, int] = {
                name: math.prod(file.get_slice(name).get_shape()) for name in names
            }
    except (OSError, SafetensorError):
        return None
    if not any(name.startswith("backbone.") for name in sizes):
        return None
    parts = ("backbone.", "head.")
    return sum(
        size
        for name, size in sizes.items()
        if name.startswith(parts) and not name.endswith(_STATISTICS)
    )
