"""The picture before and after each preprocessing step, up to the input of the network."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from diascope.card import ModelCard
from diascope.explain.call_trace import forward_hooks
from diascope.network import Network

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Stage:
    """The picture at one stage of preprocessing.

    Attributes:
        title: the operation that led to it.
        pixels: ``(H, W, C)``.
        notes: the trace lines of that operation.
    """

    title: str
    pixels: NDArray[Any]
    notes: tuple[str, ...]

    @property
    def value_range(self) -> tuple[float, float]:
        """The minimum and maximum pixel value."""
        return float(self.pixels.min()), float(self.pixels.max())


def capture_network_input(network: Network, call: Callable[[], T]) -> tuple[T, Tensor]:
    """Return the result of a call, and the first batch ``(N, C, H, W)`` given to the network.

    Capturing the batch avoids repeating the normalisation of the classifier here.
    """
    batches: list[Tensor] = []

    def record(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
        batches.append(arguments[0])

    with forward_hooks([network.backbone], after=record):
        result = call()
    return result, batches[0].clone()  # a copy outside of inference mode allows gradients


def network_input_stage(batch: Tensor, card: ModelCard) -> Stage:
    """Return the last stage: the picture of a batch of one, as the input of the network."""
    pixels = np.moveaxis(batch[0].cpu().numpy(), 0, 2)
    mean, std = _format_numbers(card.mean), _format_numbers(card.std)
    note = f"minus the mean ({mean}), divided by the standard deviation ({std})"
    return Stage("as the network receives it", pixels, (note,))


def _format_numbers(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:.4g}" for number in numbers)
