"""Colour constancy by the shades-of-grey assumption."""

from dataclasses import dataclass
from typing import ClassVar

from diascope.preprocessing.illuminant import correct_illuminant, minkowski_mean
from diascope.sample import Sample


@dataclass(frozen=True)
class ShadesOfGray:
    """Scale each channel so that its Minkowski mean is the same in all three.

    Source: Finlayson and Trezzi 2004, "Shades of gray and colour constancy".

    Args:
        power: 1 is grey-world; with larger values, bright pixels have more weight.
    """

    power: float = 6.0
    api: ClassVar = (1, 0)

    def __post_init__(self) -> None:
        if not 1 <= self.power < float("inf"):
            raise ValueError(f"power must be at least 1, got {self.power}")

    def __call__(self, sample: Sample) -> Sample:
        return correct_illuminant(sample, minkowski_mean(sample, self.power), "shades-of-gray")
