"""Colour constancy by the grey-world assumption."""

from dataclasses import dataclass
from typing import ClassVar

from diascope.preprocessing.illuminant import correct_illuminant, minkowski_mean
from diascope.sample import Sample


@dataclass(frozen=True)
class GrayWorld:
    """Scale the channels so that the average colour of the picture is grey.

    Source: Buchsbaum 1980, "A spatial processor model for object colour perception".
    """

    api: ClassVar = (1, 0)

    def __call__(self, sample: Sample) -> Sample:
        return correct_illuminant(sample, minkowski_mean(sample, 1), "gray-world")
