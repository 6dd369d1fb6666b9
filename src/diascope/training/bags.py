"""Multiple-instance learning: items of many regions, where only the whole item is labelled.

Source: Ilse et al. 2018, "Attention-based Deep Multiple Instance Learning".
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diascope.card import ModelCard
from diascope.network import AttentionHead, Network
from diascope.preparation import Preparation
from diascope.table import Example
from diascope.training.dataset import Pictures, first_sample
from diascope.training.features import Features, draw_regions

_Entry = tuple[Tensor, Tensor, Tensor]


class Bags(Pictures):
    """The features ``(n, F)`` of an item's regions, its target ``(L,)`` and its weight in training.

    Args:
        features: of all items.
        regions: how many regions of an item to draw each time; 0 uses all of them.
    """

    batch_size: ClassVar = 1

    def __init__(
        self,
        examples: Sequence[Example],
        preparation: Preparation,
        card: ModelCard,
        features: Features,
        regions: int,
    ) -> None:
        super().__init__(examples, preparation, card)
        self.features, self.regions = features, regions

    def __getitem__(self, index: int | tuple[int, int]) -> _Entry:
        row, seed = index if isinstance(index, tuple) else (index, 0)
        known = self.features.load(self.examples[row])
        count = self.regions or len(known)
        drawn = draw_regions(known, count, np.random.default_rng(seed)).astype(np.float32)
        return torch.from_numpy(drawn), *self.target_and_weight(row)

    @staticmethod
    def collate(entries: Sequence[_Entry]) -> Any:
        """Return a batch: a list of N features, targets ``(N, L)``, weights ``(N,)``."""
        features, targets, weights = zip(*entries, strict=True)
        return list(features), torch.stack(targets), torch.stack(weights)

    def to_device(self, batch: Any, device: torch.device) -> Any:
        """Return the batch's features on the device."""
        return [features.to(device, non_blocking=True) for features in batch]

    def picture(self, row: int) -> NDArray[np.float32]:
        """Return the item's overview ``(C, H, W)`` in [0, 1], or its first frame if it has none.

        Raises:
            TableError: if it cannot be read.
        """
        overview = first_sample(self.examples[row], self.preparation).overview
        if overview is None:
            return super().picture(row)
        unit: NDArray[np.float32] = np.moveaxis(overview.picture, 2, 0).astype(np.float32)
        return unit / np.float32(255)


class BagNetwork(Network):
    """A network that classifies items from precomputed features of their regions.

    It maps a list of N arrays ``(n, F)`` to logits ``(N, L)``.
    """

    head: AttentionHead

    def forward(self, batch: Any) -> Tensor:
        return torch.stack([self.head.item_logits(features) for features in batch])
