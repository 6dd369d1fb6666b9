"""Labelled pictures as a torch Dataset: the recipe's reader and steps, then augmentation."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from diascope.card import ModelCard
from diascope.errors import DiascopeError, TableError
from diascope.network_input import to_network_input
from diascope.preparation import Preparation
from diascope.sample import Failed, Item, Sample, Skipped
from diascope.table import Example
from diascope.training.augment import AugmentationChain


class Pictures(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Pictures ``(C, H, W)`` in [0, 1], each with its target ``(L,)`` and its training weight.

    An index is a row, or a pair of a row and the seed of its augmentation.

    Attributes:
        batch_size: pictures per batch in inference.
    """

    batch_size: ClassVar = 32
    collate = staticmethod(default_collate)

    def __init__(
        self,
        examples: Sequence[Example],
        preparation: Preparation,
        card: ModelCard,
        augmentation: AugmentationChain | None = None,
    ) -> None:
        self.examples = examples
        self.preparation = preparation
        self.card = card
        self.targets = np.array([e.vector(card.names, card.task) for e in examples], np.float32)
        self.weights = np.array([example.weight for example in examples], np.float32)
        self.augmentation = augmentation

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int | tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        row, seed = index if isinstance(index, tuple) else (index, 0)
        picture = torch.from_numpy(self.picture(row))
        if self.augmentation is not None:
            picture = self.augmentation(picture, seed)
        return picture, *self.target_and_weight(row)

    def __getitems__(self, indices: Sequence[Any]) -> list[Any] | DiascopeError:
        """Return the entries of a batch, or the error of one of them.

        The error is returned, not raised, since an exception raised in a worker process reaches the
        main process in another form.
        """
        try:
            return [self[index] for index in indices]
        except DiascopeError as error:
            return error

    @classmethod
    def collate_or_error(cls, entries: list[Any] | DiascopeError) -> Any:
        """Return a batch, or its error; see ``iterate_batches``."""
        return entries if isinstance(entries, DiascopeError) else cls.collate(entries)

    def target_and_weight(self, row: int) -> tuple[Tensor, Tensor]:
        """Return the target ``(L,)`` and the weight of a row."""
        return torch.from_numpy(self.targets[row]), torch.tensor(self.weights[row])

    def to_device(self, batch: Any, device: torch.device) -> Any:
        """Return a batch's pictures on the device, normalised by the card."""
        mean, std = normalisation(self.card, device)
        normal = (batch.to(device, non_blocking=True) - mean) / std
        return normal.contiguous(memory_format=torch.channels_last)

    def picture(self, row: int) -> NDArray[np.float32]:
        """Return the first frame of a row's picture, ``(C, H, W)`` in [0, 1].

        Raises:
            TableError: if the picture cannot be read, or its size or channels do not match the
                card.
        """
        example = self.examples[row]
        sample = first_sample(example, self.preparation)
        try:
            unit = to_network_input(sample, self.card.size, self.card.channels)
        except ValueError as error:
            raise TableError(f"cannot be used: {error}", where=str(example.path)) from error
        return np.ascontiguousarray(np.moveaxis(unit, 2, 0))


def iterate_batches(loader: Iterable[Any]) -> Iterator[Any]:
    """Yield the batches of a loader whose ``collate_fn`` is ``Pictures.collate_or_error``.

    Raises:
        DiascopeError: the error that occurred while a batch was read.
    """
    for batch in loader:
        if isinstance(batch, DiascopeError):
            raise batch
        yield batch


def normalisation(card: ModelCard, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the card's mean and standard deviation, each ``(1, C, 1, 1)``."""
    shape = (1, card.channels, 1, 1)
    mean = torch.tensor(card.mean, device=device).reshape(shape)
    return mean, torch.tensor(card.std, device=device).reshape(shape)


def first_sample(example: Example, preparation: Preparation) -> Sample:
    """Return the preprocessed first frame of a picture.

    Raises:
        TableError: with the reason, if it cannot be read.
    """
    return _first(preparation.prepare_all(Item(example.name, str(example.path))), example)


def first_and_more(example: Example, preparation: Preparation) -> tuple[Sample, bool]:
    """Return the preprocessed first frame of a picture, and whether another follows.

    Args:
        preparation: with blocks of one sample.

    Raises:
        TableError: with the reason, if the first frame cannot be read.
    """
    outcomes = preparation.prepare_all(Item(example.name, str(example.path)))
    return _first(outcomes, example), isinstance(next(outcomes, None), Sequence)


def _first(outcomes: Iterator[Sequence[Sample] | Failed | Skipped], example: Example) -> Sample:
    outcome = next(outcomes)
    if isinstance(outcome, Failed | Skipped):
        raise TableError(f"cannot be used: {outcome.reason}", where=str(example.path))
    return outcome[0]
