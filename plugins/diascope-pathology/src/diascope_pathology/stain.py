"""Shared by all stain operations: optical density, the tissue mask, and the stains' colours."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from diascope.sample import Sample

DARKEST = 1 / 255
"""Lower limit of the light, so that black has a finite density."""

MIN_TISSUE = 0.01
"""Smallest fraction of tissue in a tile from which its stain can be estimated."""

Floats = NDArray[np.floating]


def optical_density(unit: Floats) -> Floats:
    """Return -ln of the transmitted light, 0 for white; stains add up in it (Beer-Lambert law).

    Args:
        unit: pixels in [0, 1], where 1 is the light without a slide.
    """
    return -np.log(np.clip(unit, DARKEST, 1))


def tissue_mask(density: Floats, threshold: float) -> NDArray[np.bool_]:
    """Return the mask ``(H, W)`` of pixels whose mean density reaches the threshold.

    Args:
        density: ``(H, W, 3)``, as returned by ``optical_density``.
    """
    mask: NDArray[np.bool_] = density.mean(axis=2) >= threshold
    return mask


@cache
def hed_densities() -> NDArray[np.float32]:
    """Return the densities ``(3, RGB)`` of haematoxylin, eosin and diaminobenzidine.

    Source: Ruifrok and Johnston 2001, "Quantification of histochemical staining by color
    deconvolution", with scikit-image's values.
    """
    from skimage.color import rgb_from_hed

    return np.asarray(rgb_from_hed, np.float32)


def to_unit(sample: Sample) -> Floats:
    """Return the pixels as float64 in [0, 1]."""
    return np.clip(sample.unit().astype(np.float64), 0, 1)


def leave_unchanged(sample: Sample, step: str, why: str) -> Sample:
    """Return the sample unchanged, with the reason in its trace."""
    return sample.changed(sample.pixels, f"{step}: {why}, left as it is")
