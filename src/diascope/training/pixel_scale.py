"""Check whether a network was trained on pixels of the same scale as ours."""

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import Tensor

from diascope.training.start import BUNDLED

_USUAL = 0.6
"""Standard deviation of the first filters' output over their norm, for pixels of mean 0 and
standard deviation 1; 0.3 to 0.9 was seen for trained networks and for radiographs."""

_SPREAD = 0.25
"""Standard deviation of pixels in [0, 1], about that of ImageNet's and of radiographs'."""

_DOUBTFUL = 15.0
"""Factor above or below the usual spread from which a warning is given."""

_ROUNDING = 0.05
"""Difference from a range that a file states, as a fraction of its width, that does not count."""


def scale_warnings(tensors: Mapping[str, Tensor], std: Sequence[float]) -> list[str]:
    """Return a warning if a network seems to expect pixels of another scale.

    The running variance of the first normalisation shows how widely the pixels were spread in
    training.

    Args:
        tensors: of the network by name, in the order of its layers.
        std: by which pixels in [0, 1] are divided in this training, one number per channel.
    """
    ours = _USUAL * _SPREAD * len(std) / sum(std)
    filters = None
    for name, tensor in tensors.items():
        if filters is not None and name.endswith("running_var") and len(tensor) == len(filters):
            spread = tensor.sqrt() / filters.flatten(1).norm(dim=1)
            times = float(spread[spread.isfinite()].median()) / ours  # filters may be all 0
            return [_format_warning(times)] if times <= 1 / _DOUBTFUL or times >= _DOUBTFUL else []
        if tensor.ndim == 4:
            if filters is not None:
                break
            filters = tensor
    return []


def _format_warning(times: float) -> str:
    return (
        "the first filters seem to be made for pixel values about "
        f"{float(f'{times:.1g}'):g} times as large as they would get; if so, state in `start:` the "
        "`mean` and `std` of their pixels (TorchXRayVision: mean: 0.5, std: 0.00048828125)"
    )


def range_warnings(source: Path, mean: Sequence[float], std: Sequence[float]) -> list[str]:
    """Return a warning if a MONAI bundle states another range of pixel values than ours.

    Args:
        source: the weights file; only inside a bundle there is something to compare.
        mean, std: the normalisation of pixels in [0, 1] in this training, one number per channel.
    """
    if source.parts[-2:] != Path(BUNDLED).parts:
        return []
    if (stated := _stated_range(source.parents[1] / "configs" / "metadata.json")) is None:
        return []
    first, last = stated
    width = last - first
    low = min((0 - m) / s for m, s in zip(mean, std, strict=True))
    high = max((1 - m) / s for m, s in zip(mean, std, strict=True))
    if max(abs(low - first), abs(high - last)) <= _ROUNDING * width:
        return []
    return [
        f"configs/metadata.json of the bundle states pixel values from {first:g} to {last:g} "
        f"(value_range), but they will be from {low:.3g} to {high:.3g}; "
        f"`mean: {(0 - first) / width:.12g}, std: {1 / width:.12g}` in `start:` gives its range"
    ]


def _stated_range(path: Path) -> tuple[float, float] | None:
    """Return the first range that a bundle states for an input; None if it states none."""
    inputs: Any = {}
    with suppress(OSError, ValueError, LookupError, TypeError):
        inputs = json.loads(path.read_bytes())["network_data_format"]["inputs"]
    for each in inputs.values() if isinstance(inputs, dict) else ():
        with suppress(LookupError, TypeError, ValueError):
            first, last = map(float, each["value_range"])
            if math.isfinite(first) and math.isfinite(last) and first < last:
                return first, last
    return None
