"""Which pictures an epoch sees, and in what order."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from diascope.card import Task
from diascope.training.options import TrainOptions

_EXAMPLE_SEED = 1_000_003
"""Distance between the augmentation seeds of two epochs: more than any number of pictures."""

Targets = NDArray[np.float32]


class EpochSampler(Sampler[tuple[int, int]]):
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
        self.shares = row_probabilities(targets, options)
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


def row_probabilities(targets: Targets, options: TrainOptions) -> NDArray[np.float64]:
    """Return ``(N,)``: how much of what is drawn is of each row."""
    power = options.balance_power if options.balance == "sampling" else 0.0
    weights = rarity(targets) ** power
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def rarity(targets: Targets) -> NDArray[np.float64]:
    """Return ``(N,)``: how many times rarer than 1 the rarest label of each row is; at least 1."""
    rows = targets if targets.shape[1] > 1 else np.concatenate([targets, 1 - targets], axis=1)
    positives, negatives = _label_counts(rows)
    times = (positives + negatives) / np.maximum(positives, 1)
    rarest: NDArray[np.float64] = (np.nan_to_num(rows) * times).max(axis=1)
    return np.maximum(rarest, 1.0)


def label_weights(targets: Targets, options: TrainOptions, task: Task) -> Targets:
    """Return ``(L,)``: what having a label weighs in the loss.

    Multiclass: against other labels, one on average. Binary and multilabel: against not having it,
    which weighs one.
    """
    positives, negatives = _label_counts(targets)
    if options.balance != "weights":
        return np.ones(len(positives), np.float32)
    rest = positives + negatives if task == "multiclass" else np.maximum(negatives, 1)
    weights = (rest / np.maximum(positives, 1)) ** options.balance_power
    return np.asarray(weights / weights.mean() if task == "multiclass" else weights, np.float32)


def _label_counts(targets: Targets) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return of each label how many rows are known to have it, and how many not to."""
    positives = np.asarray(np.nansum(targets, axis=0), np.float64)
    return positives, (~np.isnan(targets)).sum(axis=0) - positives
