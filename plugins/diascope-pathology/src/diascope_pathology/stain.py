"""What all stain operations share: optical density, where it shows tissue, the stains' colours."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from diascope.sample import Sample

DARKEST = 1 / 255
"""Light below it counts as that much, so that black has a finite density."""

LEAST_TISSUE = 0.01
"""Share of a tile that must be tissue, for less says nothing of its stain."""

Floats = NDArray[np.floating]


def optical_density(unit: Floats) -> Floats:
    """Return -ln of the light that passes, 0 for white; by Lambert and Beer stains add up in it.

    Args:
        unit: pixels in [0, 1], where 1 is the light without a slide.
    """
    return -np.log(np.clip(unit, DARKEST, 1))


def tissue(density: Floats, threshold: float) -> NDArray[np.bool_]:
    """Return ``(H, W)``: where the mean density of the channels reaches the threshold.

    Args:
        density: ``(H, W, 3)``, as of ``optical_density``.
    """
    mask: NDArray[np.bool_] = density.mean(axis=2) >= threshold
    return mask


@cache
def hed() -> NDArray[np.float32]:
    """Return the densities ``(3, RGB)`` of haematoxylin, eosin and diaminobenzidine.

    Source: Ruifrok and Johnston 2001, "Quantification of histochemical staining by color
    deconvolution", as scikit-image has them.
    """
    from skimage.color import rgb_from_hed

    return np.asarray(rgb_from_hed, np.float32)


def unit_of(sample: Sample) -> Floats:
    """Return the pixels as float64 in [0, 1]."""
    return np.clip(sample.unit().astype(np.float64), 0, 1)


def left(sample: Sample, step: str, why: str) -> Sample:
    """Return the sample as it is, with a line in its trace that says why."""
    return sample.changed(sample.pixels, f"{step}: {why}, left as it is")
