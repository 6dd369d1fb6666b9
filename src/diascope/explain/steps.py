"""The picture before and after each preprocessing step, down to the numbers the network takes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from diascope.card import ModelCard
from diascope.contract_checks import sample_fault
from diascope.contracts import Step
from diascope.errors import ENDS, ReadError, reason_of
from diascope.explain.call_trace import forward_hooks
from diascope.network import Network
from diascope.sample import Sample

T = TypeVar("T")


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
    def value_range(self) -> tuple[float, float]:
        """The smallest and the largest number."""
        return float(self.pixels.min()), float(self.pixels.max())


def apply_steps(sample: Sample, steps: Iterable[tuple[str, Step]]) -> tuple[Sample, list[Stage]]:
    """Apply steps, by name, and return the last sample and the picture at each point.

    Raises:
        ReadError: if a step fails on this picture.
    """
    read = sample
    stages = [Stage("as read from the file", sample.pixels, sample.trace)]
    for name, step in steps:
        before = len(sample.trace)
        try:
            sample = step(sample)
        except ENDS:
            raise
        except BaseException as error:  # a stranger's step may raise anything
            raise ReadError(f"the step {name} failed: {reason_of(error)}") from error
        if fault := sample_fault(sample):
            raise ReadError(f"the step {name} failed: {fault}")
        sample = sample.placed_as(read)
        stages.append(Stage(f"after {name}", sample.pixels, sample.trace[before:]))
    return sample, stages


def capture_network_input(network: Network, answer: Callable[[], T]) -> tuple[T, Tensor]:
    """Return what a call gives, and the first batch ``(N, C, H, W)`` that the network saw in it.

    So nobody has to know how a picture is normalised but who does it for the network.
    """
    seen: list[Tensor] = []

    def note(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        seen.append(arguments[0])

    with forward_hooks([network.backbone], after=note):
        answered = answer()
    return answered, seen[0].clone()  # outside of inference: it may be followed by gradients


def network_input_stage(batch: Tensor, card: ModelCard) -> Stage:
    """Return the picture of a batch of one, as the network takes it."""
    pixels = np.moveaxis(batch[0].cpu().numpy(), 0, 2)
    mean, std = _format_numbers(card.mean), _format_numbers(card.std)
    note = f"minus the mean ({mean}), divided by the standard deviation ({std})"
    return Stage("as the network takes it", pixels, (note,))


def _format_numbers(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:.3f}" for number in numbers)
