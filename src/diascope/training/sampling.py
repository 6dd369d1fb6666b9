"""Sampling of the pictures of an epoch, and the weights that balance labels."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from diascope.card import Task
from diascope.training.options import TrainOptions

_EXAMPLE_SEED = 1_000_003
"""Distance between the augmentation seeds of two epochs; larger than any number of pictures."""

Targets = NDArray[np.float32]


class EpochSampler(Sampler[tuple[int, int]]):
    """Yields rows of the table, each with its augmentation seed; the caller sets ``epoch``.

    Args:
        targets: ``(N, L)``, NaN where unknown.
        process: its rank and the number of processes, which select its part of the rows.
    """

    def __init__(
        self, targets: Targets, options: TrainOptions, process: tuple[int, int] = (0, 1)
    ) -> None:
        self.epoch = 0
        self.seed = options.seed
        self.rank, self.world = process
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
    """Return ``(N,)``: the probability of drawing each row."""
    power = options.balance_power if options.balance == "sampling" else 0.0
    weights = rarity(targets) ** power
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


def rarity(targets: Targets) -> NDArray[np.float64]:
    """Return ``(N,)``: 1 over the frequency of each row's rarest label; at least 1."""
    rows = targets if targets.shape[1] > 1 else np.concatenate([targets, 1 - targets], axis=1)
    positives, negatives = _label_counts(rows)
    times = (positives + negatives) / np.maximum(positives, 1)
    rarest: NDArray[np.float64] = (np.nan_to_num(rows) * times).max(axis=1)
    return np.maximum(rarest, 1.0)


def label_weights(targets: Targets, options: TrainOptions, task: Task) -> Targets:
    """Return ``(L,)``: the weights of positive labels in the loss.

    Multiclass: their mean is 1. Binary and multilabel: relative to negatives, which have weight 1.
    """
    positives, negatives = _label_counts(targets)
    if options.balance != "weights":
        return np.ones(len(positives), np.float32)
    rest = positives + negatives if task == "multiclass" else np.maximum(negatives, 1)
    weights = (rest / np.maximum(positives, 1)) ** options.balance_power
    return np.asarray(weights / weights.mean() if task == "multiclass" else weights, np.float32)


def label_shift(
    targets: Targets, row_weights: NDArray[np.float32], options: TrainOptions
) -> NDArray[np.float64]:
    """Return ``(L,)``: what a multiclass network's logits lack to reflect the labels' frequencies.

    Sampling and weights make rare labels seem frequent, and logit adjustment makes all seem equally
    frequent. 0 for a label that no row teaches, and with teachers, whose answers sampling does not
    change. Label smoothing and focal loss, which flatten all answers, are left out.
    """
    own, shares = targets.mean(axis=0, dtype=np.float64), row_probabilities(targets, options)
    shift = np.zeros(len(own))
    if options.teachers:
        return shift
    drawn = shares @ targets
    weighted = (shares * row_weights) @ targets * label_weights(targets, options, "multiclass")
    seen = weighted > 0
    shift[seen] = np.log(own[seen] / weighted[seen])
    shift[seen] += options.logit_adjustment * np.log(drawn[seen])
    return shift


def _label_counts(targets: Targets) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the number of known positives and negatives of each label."""
    positives = np.asarray(np.nansum(targets, axis=0), np.float64)
    return positives, (~np.isnan(targets)).sum(axis=0) - positives
