"""Labelled pictures as a torch Dataset: the recipe's own reader and steps, then augmentation."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from diascope.card import Task
from diascope.errors import TableError
from diascope.preparation import Preparation
from diascope.sample import Failed, Item, Skipped
from diascope.training.augment import Augmentation
from diascope.training.table import Example


class Pictures(Dataset[tuple[Tensor, Tensor]]):
    """Pairs of a picture ``(C, H, W)`` in [0, 1] and its target ``(L,)``.

    An index is a pair: which example, and the seed of its augmentation.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        preparation: Preparation,
        names: Sequence[str],
        task: Task,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.examples = examples
        self.preparation = preparation
        self.targets = np.array([e.vector(names, task) for e in examples], np.float32)
        self.augmentation = augmentation

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int | tuple[int, int]) -> tuple[Tensor, Tensor]:
        row, seed = index if isinstance(index, tuple) else (index, 0)
        picture = torch.from_numpy(self.picture(row))
        if self.augmentation is not None:
            picture = self.augmentation(picture, seed)
        return picture, torch.from_numpy(self.targets[row])

    def picture(self, row: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        """Return ``(C, H, W)`` float32 in [0, 1] of the row's first frame.

        Raises:
            TableError: if the picture cannot be read, with the reason.
        """
        path = self.examples[row].path
        outcome = next(self.preparation.prepare(Item(path.name, str(path))))
        if isinstance(outcome, Failed | Skipped):
            raise TableError(f"cannot be used: {outcome.reason}", where=str(path))
        unit = outcome[0].unit()
        return np.ascontiguousarray(np.moveaxis(unit, 2, 0))
