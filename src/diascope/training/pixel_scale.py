"""Whether a network has learned from pixels of the scale that ours have."""

from collections.abc import Mapping

from torch import Tensor

_USUAL = 0.6
"""Spread of what the first filters give, to their length, of pixels of mean 0 and deviation 1; 0.3
to 0.9 was seen of trained networks and of radiographs."""

_DOUBTFUL = 15.0
"""How many times more or less than usual is told."""


def scale_warnings(tensors: Mapping[str, Tensor]) -> list[str]:
    """Return what speaks against the scale of our pixels, if anything.

    The running variance of the first normalisation remembers how far the pixels spread that the
    first filters were given.

    Args:
        tensors: a network's by name, in the order of its layers.
    """
    filters = None
    for name, tensor in tensors.items():
        if filters is not None and name.endswith("running_var") and len(tensor) == len(filters):
            spread = tensor.sqrt() / filters.flatten(1).norm(dim=1)
            times = float(spread[spread.isfinite()].median()) / _USUAL  # some filters may be 0
            return [_format_warning(times)] if times <= 1 / _DOUBTFUL or times >= _DOUBTFUL else []
        if tensor.ndim == 4:
            if filters is not None:
                break
            filters = tensor
    return []


def _format_warning(times: float) -> str:
    return (
        f"the first filters seem made for pixels some {float(f'{times:.1g}'):g} times ours; "
        "`scale` of `start:` says how many times (TorchXRayVision: 512)"
    )
