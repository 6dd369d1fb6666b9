"""Which pictures an epoch sees, and in what order."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from diascope.training.options import TrainOptions

_EXAMPLE_SEED = 1_000_003
"""Distance between the augmentation seeds of two epochs: more than any number of pictures."""

Targets = NDArray[np.float32]


class Drawn(Sampler[tuple[int, int]]):
    """Rows of the table, each with the seed of its augmentation; the caller sets the epoch.

    Args:
        targets: ``(N, L)``, NaN where unknown.
        share: which part of each batch this process takes, as (rank, of how many).
    """

    def __init__(
        self, targets: Targets, options: TrainOptions, share: tuple[int, int] = (0, 1)
    ) -> None:
        self.epoch = 0
        self.seed = options.seed
        self.rank, self.world = share
        size = options.epoch_size or len(targets)
        self.size = size - size % self.world
        power = options.balance_power if options.balance == "sampling" else 0.0
        weights = rarity(targets) ** power
        self.shares = weights / weights.sum()
        self.replace = options.balance == "sampling" or self.size > len(targets)

    def __len__(self) -> int:
        return self.size // self.world

    def __iter__(self) -> Iterator[tuple[int, int]]:
        random = np.random.default_rng((self.seed, self.epoch))
        count = len(self.shares)
        shares = self.shares if self.replace else None
        rows = random.choice(count, self.size, replace=self.replace, p=shares)
        start = (self.seed + self.epoch) * _EXAMPLE_SEED
        drawn = [(int(row), start + place) for place, row in enumerate(rows)]
        return iter(drawn[self.rank :: self.world])


def rarity(targets: Targets) -> NDArray[np.float64]:
    """Return ``(N,)``: how many times rarer than 1 the rarest label of each row is; at least 1."""
    known = np.nan_to_num(targets)
    rows = known if known.shape[1] > 1 else np.concatenate([known, 1 - known], axis=1)
    counts = np.maximum(rows.sum(axis=0), 1)
    rarest: NDArray[np.float64] = (rows * (len(rows) / counts)).max(axis=1)
    return np.maximum(rarest, 1.0)


def label_weights(targets: Targets, options: TrainOptions) -> Targets:
    """Return ``(L,)``: what a label weighs in the loss, one on average."""
    known = np.nan_to_num(targets)
    if options.balance != "weights":
        return np.ones(known.shape[1], np.float32)
    counts = np.maximum(known.sum(axis=0), 1)
    weights: Targets = (len(known) / counts) ** options.balance_power
    return np.asarray(weights / weights.mean(), np.float32)
