"""How much of an evidence map lies inside a mask, and how much of a map that knows nothing.

Energy: Wang et al. 2020, "Score-CAM". Pointing game: Zhang et al. 2016, "Top-down Neural Attention
by Excitation Backprop", here without a tolerance around the mask.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from diascope.contracts import Step
from diascope.errors import ReadError
from diascope.explain.steps import Stage
from diascope.sample import Sample

_GEOMETRIC = frozenset({"resize", "center-crop"})
"""Steps that move pixels and leave their values; a mask goes through them beside its picture."""

_SIGMA = 0.25  # of the centred Gaussian, in sides of the picture


def transform_mask(
    mask: Sample, stages: Sequence[Stage], steps: Sequence[tuple[str, Step]]
) -> NDArray[np.bool_]:
    """Return ``(H, W)``: where a mask, white inside, lies in the picture as the network takes it.

    Args:
        stages: of the picture, before the first step and after each.

    Raises:
        ReadError: if the mask is not of the picture's size, a step changes the size in a way that
            is not known, or nothing is left of the mask.
    """
    if mask.pixels.shape[:2] != stages[0].pixels.shape[:2]:
        raise ReadError("the mask is not of the picture's size")
    for (name, step), before, after in zip(steps, stages, stages[1:], strict=False):
        if name in _GEOMETRIC:
            mask = step(mask)
        elif before.pixels.shape[:2] != after.pixels.shape[:2]:
            raise ReadError(f"its mask cannot follow the step {name}, which changes the size")
    inside: NDArray[np.bool_] = mask.unit().mean(axis=2) > 0.5
    if not inside.any():
        raise ReadError("nothing of its mask is left")
    return inside


def localisation_metrics(
    evidence: NDArray[np.float32], mask: NDArray[np.bool_]
) -> dict[str, float]:
    """Return the figures of a map ``(h, w)`` in a mask ``(H, W)``, beside those of a Gaussian.

    ``energy`` is the share of what speaks for the label that lies inside, ``pointing`` is 1 if the
    strongest place does, both NaN if nothing speaks for it; ``area`` is the mask's share of the
    picture.
    """
    ours, blind = (
        _energy(_upsample(evidence, mask.shape), mask),
        _energy(_gaussian(mask.shape), mask),
    )
    found = {"area": float(mask.mean())}
    for name, mine, its in zip(("energy", "pointing"), ours, blind, strict=True):
        found |= {name: mine, f"{name}_gaussian": its, f"{name}_gain": mine - its}
    return found


def _energy(cells: NDArray[np.float64], mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Return energy and pointing game, both NaN of a map that nowhere speaks for the label."""
    positive = np.maximum(cells, 0)
    total = positive.sum()
    if not total:
        return np.nan, np.nan
    return float(positive[mask].sum() / total), float(mask.flat[cells.argmax()])


def _upsample(evidence: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float64]:
    cells = torch.from_numpy(evidence)[None, None].double()
    grown = functional.interpolate(cells, shape, mode="bilinear", align_corners=False)
    return grown[0, 0].numpy()


def _gaussian(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a Gaussian in the middle of the picture: where a photographer puts what matters."""
    rows, columns = (
        np.exp(-(((np.arange(side) + 0.5) / side - 0.5) ** 2) / (2 * _SIGMA**2)) for side in shape
    )
    return np.outer(rows, columns)
