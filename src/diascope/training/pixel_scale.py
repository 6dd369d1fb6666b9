"""Check whether a network was trained on pixels of the same scale as ours."""

from collections.abc import Mapping

from torch import Tensor

_USUAL = 0.6
"""Standard deviation of the first filters' output over their norm, for pixels of mean 0 and
standard deviation 1; 0.3 to 0.9 was seen for trained networks and for radiographs."""

_DOUBTFUL = 15.0
"""Factor above or below the usual spread from which a warning is given."""


def scale_warnings(tensors: Mapping[str, Tensor]) -> list[str]:
    """Return a warning if a network seems to expect pixels of another scale.

    The running variance of the first normalisation shows how widely the pixels were spread in
    training.

    Args:
        tensors: of the network by name, in the order of its layers.
    """
    filters = None
    for name, tensor in tensors.items():
        if filters is not None and name.endswith("running_var") and len(tensor) == len(filters):
            spread = tensor.sqrt() / filters.flatten(1).norm(dim=1)
            times = float(spread[spread.isfinite()].median()) / _USUAL  # filters may be all 0
            return [_format_warning(times)] if times <= 1 / _DOUBTFUL or times >= _DOUBTFUL else []
        if tensor.ndim == 4:
            if filters is not None:
                break
            filters = tensor
    return []


def _format_warning(times: float) -> str:
    return (
        "the first filters seem to be made for pixel values about "
        f"{float(f'{times:.1g}'):g} times ours; `scale` of `start:` states the factor "
        "(TorchXRayVision: 512)"
    )
