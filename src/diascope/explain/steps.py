"""The picture before and after each preprocessing step, down to the numbers the network takes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diascope.card import ModelCard
from diascope.contracts import Step
from diascope.errors import ReadError, reason_of
from diascope.sample import Sample


@dataclass(frozen=True, eq=False)
class Stage:
    """The picture at one point of its way.

    Attributes:
        title: what was done to it.
        pixels: ``(H, W, C)``.
        notes: what the operation wrote in the trace.
    """

    title: str
    pixels: NDArray[Any]
    notes: tuple[str, ...]

    @property
    def span(self) -> tuple[float, float]:
        """The smallest and the largest number."""
        return float(self.pixels.min()), float(self.pixels.max())


def walked(sample: Sample, steps: Iterable[tuple[str, Step]]) -> tuple[Sample, list[Stage]]:
    """Apply steps, by name, and return the last sample and the picture at each point.

    Raises:
        ReadError: if a step fails on this picture.
    """
    stages = [Stage("as read from the file", sample.pixels, sample.trace)]
    for name, step in steps:
        before = len(sample.trace)
        try:
            sample = step(sample)
        except Exception as error:  # a stranger's step may raise anything
            raise ReadError(f"the step {name} failed: {reason_of(error)}") from error
        stages.append(Stage(f"after {name}", sample.pixels, sample.trace[before:]))
    return sample, stages


def normalised(unit: NDArray[np.float32], card: ModelCard) -> tuple[Tensor, Stage]:
    """Return the batch ``(1, C, H, W)`` of a picture ``(H, W, C)`` in [0, 1], and its stage."""
    mean, std = (np.array(each, np.float32) for each in (card.mean, card.std))
    pixels = (unit - mean) / std
    batch = torch.from_numpy(np.ascontiguousarray(np.moveaxis(pixels, 2, 0)))[None]
    note = f"less the mean, divided by the deviation: {_each(card.mean)} and {_each(card.std)}"
    return batch, Stage("as the network takes it", pixels, (note,))


def _each(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:.3f}" for number in numbers)
