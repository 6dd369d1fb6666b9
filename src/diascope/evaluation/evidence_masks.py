"""How much of an evidence map lies inside a mask, compared with a centred Gaussian.

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
from diascope.preparation import Part
from diascope.sample import Sample

_GEOMETRIC = frozenset({"resize", "center-crop"})
"""Steps that move pixels and keep their values; they are applied to the mask as well."""

_SIGMA = 0.25  # of the centred Gaussian, as a fraction of the picture's sides


def transform_mask(
    mask: Sample, stages: Sequence[Stage], steps: Sequence[Part[Step]]
) -> NDArray[np.bool_]:
    """Return ``(H, W)``, a mask that is white inside, transformed like its picture.

    Args:
        stages: the picture before the first step and after each step.

    Raises:
        ReadError: if the mask is not of the picture's size, another step than resize or center-crop
            changes the size, or nothing is left of the mask.
    """
    if mask.pixels.shape[:2] != stages[0].pixels.shape[:2]:
        raise ReadError("the mask does not have the picture's size")
    for step, before, after in zip(steps, stages, stages[1:], strict=False):
        name = step.plugin.name
        if name in _GEOMETRIC:
            mask = step.instance(mask)
        elif before.pixels.shape[:2] != after.pixels.shape[:2]:
            raise ReadError(f"its mask cannot follow the step {name}, which changes the size")
    inside: NDArray[np.bool_] = mask.unit().mean(axis=2) > 0.5
    if not inside.any():
        raise ReadError("no part of its mask is left")
    return inside


def localisation_metrics(
    evidence: NDArray[np.float32], mask: NDArray[np.bool_]
) -> dict[str, float]:
    """Return how much of a map ``(h, w)`` lies in a mask ``(H, W)``, also for a Gaussian.

    ``energy`` is the fraction of the positive evidence inside the mask and ``pointing`` is 1 if its
    maximum is inside, both NaN without positive evidence; ``area`` is the mask's fraction of the
    picture.
    """
    own = _energy_and_pointing(_upsample(evidence, mask.shape), mask)
    blind = _energy_and_pointing(_gaussian(mask.shape), mask)
    found = {"area": float(mask.mean())}
    for name, value, base in zip(("energy", "pointing"), own, blind, strict=True):
        found |= {name: value, f"{name}_gaussian": base, f"{name}_gain": value - base}
    return found


def _energy_and_pointing(
    cells: NDArray[np.float64], mask: NDArray[np.bool_]
) -> tuple[float, float]:
    """Return energy and pointing game, both NaN for a map without positive evidence."""
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
    """Return a Gaussian in the middle of the picture, where photographers put what matters."""
    rows, columns = (
        np.exp(-(((np.arange(side) + 0.5) / side - 0.5) ** 2) / (2 * _SIGMA**2)) for side in shape
    )
    return np.outer(rows, columns)
