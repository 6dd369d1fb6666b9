"""Stain normalisation by the mean and standard deviation of a tile's colours (Reinhard)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt

from diascope.sample import Sample
from diascope_pathology.stain import (
    MIN_TISSUE,
    Floats,
    leave_unchanged,
    optical_density,
    tissue_mask,
    to_unit,
)

Statistics = tuple[float, float, float]

LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
"""From red, green and blue to the responses of the eye's three kinds of cones."""

LAB = np.diag(1 / np.sqrt([3, 6, 2])) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])
"""From the logarithms of cone responses to lightness, yellow-blue and red-green."""

_MIN_DEVIATION = 1e-6
"""Smallest standard deviation to divide by."""


@dataclass(frozen=True)
class Reinhard:
    """Give a tile's tissue the mean colour and the standard deviation of a reference.

    Both are measured in the colour space l alpha beta, whose channels are nearly uncorrelated in
    natural pictures. Only tissue pixels are measured and changed, so that white stays white; a tile
    with less than 1 % tissue is left unchanged.

    Source: Reinhard et al. 2001, "Color transfer between images". The logarithms are natural
    logarithms of levels from 1 to 255, as for the reference's values, which are those of the slide
    TCGA-A2-A3XS-DX1 from HistomicsTK.

    Args:
        mean, deviation: of l, alpha and beta in the reference.
        threshold: smallest optical density, averaged over the channels, of a pixel that counts as
            tissue.
    """

    mean: Statistics = (8.63234435, -0.11501964, 0.03868433)
    deviation: Statistics = (0.57506023, 0.10403329, 0.01364062)
    threshold: Annotated[float, Gt(0)] = 0.15
    api: ClassVar = (1, 0)

    def __post_init__(self) -> None:
        if min(self.deviation) < 0:
            raise ValueError(f"deviation must be at least 0, got {self.deviation}")

    def __call__(self, sample: Sample) -> Sample:
        if sample.pixels.shape[2] != 3:
            return leave_unchanged(sample, "reinhard", "no colour")
        unit = to_unit(sample)
        mask = tissue_mask(optical_density(unit), self.threshold)
        if mask.mean() < MIN_TISSUE:
            return leave_unchanged(sample, "reinhard", "no tissue")
        colours = to_lab(unit[mask])
        mean, deviation = colours.mean(axis=0), colours.std(axis=0)
        gains = np.array(self.deviation) / np.maximum(deviation, _MIN_DEVIATION)
        unit[mask] = from_lab((colours - mean) * gains + self.mean)
        found = ", ".join(
            f"{name} {middle:.2f} +- {spread:.2f}"
            for name, middle, spread in zip(("l", "alpha", "beta"), mean, deviation, strict=True)
        )
        return sample.repainted(unit, f"reinhard: {found} brought to the reference's")


def to_lab(unit: Floats) -> Floats:
    """Return l, alpha and beta ``(n, 3)`` of red, green and blue ``(n, 3)`` in [0, 1]."""
    levels = np.maximum(255 * unit, 1)
    lab: Floats = np.log(levels @ LMS.T) @ LAB.T
    return lab


def from_lab(lab: Floats) -> Floats:
    """Return red, green and blue in [0, 1], or somewhat beyond, of l, alpha and beta."""
    return np.exp(lab @ np.linalg.inv(LAB).T) @ np.linalg.inv(LMS).T / 255
