"""Colour constancy by the shades-of-grey assumption."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Interval

from diascope.preprocessing.illuminant import correct_illuminant, minkowski_mean
from diascope.sample import Sample


@dataclass(frozen=True)
class ShadesOfGray:
    """Scale each channel so that its Minkowski mean is the same in all three.

    Source: Finlayson and Trezzi 2004, "Shades of gray and colour constancy".

    Args:
        power: 1 is grey-world; with larger values, bright pixels have more weight.
    """

    power: Annotated[float, Interval(ge=1, lt=float("inf"))] = 6.0
    api: ClassVar = (1, 0)

    def __call__(self, sample: Sample) -> Sample:
        return correct_illuminant(sample, minkowski_mean(sample, self.power), "shades-of-gray")
