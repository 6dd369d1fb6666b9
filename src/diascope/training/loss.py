"""The training loss."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from diascope.card import Task
from diascope.training.options import TrainOptions
from diascope.training.sampling import Targets, label_weights, row_probabilities

_MIN_DOUBT = 1e-6


class Objective(nn.Module):
    """Cross-entropy or focal loss over logits ``(N, L)`` and targets ``(N, L)``.

    Unknown targets (NaN) are left out; rows are weighted.

    Source: focal loss, Lin et al. 2017, "Focal Loss for Dense Object Detection"; logit adjustment,
    Menon et al. 2021, "Long-tail learning via logit adjustment".

    Args:
        targets: of all training pictures, for the labels' frequencies.
    """

    adjustment: Tensor
    weights: Tensor

    def __init__(self, options: TrainOptions, task: Task, targets: Targets) -> None:
        super().__init__()
        self.task = task
        self.smoothing = options.label_smoothing
        self.gamma = options.focal_gamma if options.loss == "focal" else 0.0
        share = np.clip(_frequencies(targets, options), 1e-6, 1 - 1e-6)
        prior = np.log(share) if task == "multiclass" else np.log(share / (1 - share))
        adjustment = (options.logit_adjustment * prior).astype(np.float32)
        weights = label_weights(targets, options, task)
        self.register_buffer("adjustment", torch.from_numpy(adjustment))
        self.register_buffer("weights", torch.from_numpy(weights))

    def forward(self, logits: Tensor, targets: Tensor, row_weights: Tensor) -> Tensor:
        """Return the mean loss of a batch; ``row_weights`` are ``(N,)``."""
        known = ~targets.isnan()
        targets = targets.nan_to_num()
        logits = logits.float() + self.adjustment
        counted = known * row_weights[:, None]
        if self.task == "multiclass":
            each, count = self._softmax(logits, targets), row_weights.sum()
        else:
            each, count = self._sigmoid(logits, targets), counted.sum()
        return (each * counted).sum() / count.clamp(min=1e-8)

    def _softmax(self, logits: Tensor, targets: Tensor) -> Tensor:
        shares = functional.log_softmax(logits, dim=1)
        soft = targets * (1 - self.smoothing) + self.smoothing / targets.shape[1]
        return -soft * shares * self._focal_weight(shares.exp()) * self.weights

    def _sigmoid(self, logits: Tensor, targets: Tensor) -> Tensor:
        having, lacking = functional.logsigmoid(logits), functional.logsigmoid(-logits)
        positive, negative = targets * self.weights, 1 - targets
        doubt = self.smoothing / 2
        yes = positive * (1 - doubt) + negative * doubt
        no = positive * doubt + negative * (1 - doubt)
        return -yes * having * self._focal_weight(having.exp()) - no * lacking * self._focal_weight(
            lacking.exp()
        )

    def _focal_weight(self, right: Tensor) -> Tensor:
        """Return the focal weight ``(1 - p) ** gamma``, clamped so that its gradient is finite."""
        return (1 - right).clamp(min=_MIN_DOUBT) ** self.gamma


def _frequencies(targets: Targets, options: TrainOptions) -> NDArray[np.float64]:
    """Return how frequent each label is among the drawn rows where it is known."""
    shares = row_probabilities(targets, options)[:, None]
    known = (shares * ~np.isnan(targets)).sum(axis=0)
    having = np.nansum(shares * targets, axis=0)
    found: NDArray[np.float64] = np.full(len(known), 0.5)
    np.divide(having, known, out=found, where=known > 0)
    return found
