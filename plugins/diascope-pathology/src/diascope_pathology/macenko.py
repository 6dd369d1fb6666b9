"""Stain normalisation by estimating a tile's two stains (Macenko)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Interval

from diascope.sample import Sample
from diascope_pathology.stain import (
    MIN_TISSUE,
    Floats,
    leave_unchanged,
    optical_density,
    tissue_mask,
    to_unit,
)

_Density = Annotated[float, Ge(0)]
_Strength = Annotated[float, Gt(0)]
Colour = tuple[_Density, _Density, _Density]
_MIN_ANGLE = 0.05
"""Smallest angle between two stains in radians; closer ones count as one stain."""


@dataclass(frozen=True)
class Macenko:
    """Replace a tile's haematoxylin and eosin by those of a reference.

    In optical density, pixels of two stains lie in a plane between the stains' directions. The
    plane is spanned by the two largest singular vectors; the stains are at the extreme angles in
    it. Each pixel is split into the two stains, each stain is scaled so that its 99th percentile
    over the tissue equals the reference's, and both are recombined in the reference's colours.
    Densities below 0 count as 0. In the result bare glass is white (1, not ``light``). A tile with
    less than 1 % tissue, or whose stains are less than 0.05 radians apart, is left unchanged.

    Source: Macenko et al. 2009, "A method for normalizing histology slides for quantitative
    analysis". The density uses natural logarithms, as do the reference's values, which are the
    widely used ones of Veta's published code.

    Args:
        haematoxylin, eosin: densities of red, green and blue of the reference's stains.
        strengths: 99th percentiles of haematoxylin and eosin in the reference.
        light: brightness of bare glass, where 1 is white; 240 of 255 for the reference.
        threshold: smallest density, averaged over the channels, of a pixel that counts as tissue.
        percentile: of the angles at either end that are left out as noise, in per cent.
    """

    haematoxylin: Colour = (0.5626, 0.7201, 0.4062)
    eosin: Colour = (0.2159, 0.8012, 0.5581)
    strengths: tuple[_Strength, _Strength] = (1.9705, 1.0308)
    light: Annotated[float, Interval(gt=0, le=1)] = 240 / 255
    threshold: Annotated[float, Gt(0)] = 0.15
    percentile: Annotated[float, Interval(ge=0, lt=25)] = 1.0
    api: ClassVar = (1, 0)

    def __call__(self, sample: Sample) -> Sample:
        if sample.pixels.shape[2] != 3:
            return leave_unchanged(sample, "macenko", "no colour")
        density = optical_density(to_unit(sample) / self.light)
        mask = tissue_mask(density, self.threshold)
        if mask.mean() < MIN_TISSUE:
            return leave_unchanged(sample, "macenko", "no tissue")
        stains = extreme_directions(density[mask], self.percentile)
        if np.arccos(np.clip(stains[0] @ stains[1], -1, 1)) < _MIN_ANGLE:
            return leave_unchanged(sample, "macenko", "one stain only")
        amounts = density @ np.linalg.pinv(stains)
        strengths = np.percentile(amounts[mask], 99, axis=0)
        scaled = amounts * (np.array(self.strengths) / strengths)
        unit = np.exp(-scaled @ np.array([self.haematoxylin, self.eosin]))
        found = ", ".join(
            f"{name} ({', '.join(f'{part:.2f}' for part in stain)}) of {strength:.2f}"
            for name, stain, strength in zip(
                ("haematoxylin", "eosin"), stains, strengths, strict=True
            )
        )
        return sample.repainted(unit, f"macenko: {found} brought to the reference's")


def extreme_directions(density: Floats, percentile: float) -> Floats:
    """Return the unit vectors ``(2, 3)`` of the two stains; first haematoxylin, with more red.

    Args:
        density: ``(n, 3)`` of the tissue's pixels, n at least 1.
        percentile: see ``Macenko``.
    """
    _, vectors = np.linalg.eigh(density.T @ density)  # the right singular vectors, largest last
    largest = vectors[:, 2] * np.sign(vectors[:, 2].sum())  # all positive: no angle beyond 90
    plane = np.stack([largest, vectors[:, 1]], axis=1)
    along, across = (density @ plane).T
    angles = np.percentile(np.arctan2(across, along), [percentile, 100 - percentile])
    ends: Floats = np.stack([np.cos(angles), np.sin(angles)], axis=1) @ plane.T
    return ends if ends[0, 0] >= ends[1, 0] else ends[::-1]
