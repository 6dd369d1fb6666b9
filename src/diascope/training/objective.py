"""What a training minimises."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from diascope.card import Task
from diascope.training.draw import Targets, label_weights
from diascope.training.options import TrainOptions


class Objective(nn.Module):
    """Cross-entropy or focal loss over logits ``(N, L)`` and targets ``(N, L)``.

    Targets that are NaN (unknown) are left out; rows count by their weight.

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
        share = np.clip(np.nanmean(targets, axis=0), 1e-6, 1 - 1e-6)
        prior = np.log(share) if task == "multiclass" else np.log(share / (1 - share))
        adjustment = (options.logit_adjustment * prior).astype(np.float32)
        self.register_buffer("adjustment", torch.from_numpy(adjustment))
        self.register_buffer("weights", torch.from_numpy(label_weights(targets, options)))

    def forward(self, logits: Tensor, targets: Tensor, rows: Tensor) -> Tensor:
        """Return the mean loss of a batch; ``rows`` are the rows' weights ``(N,)``."""
        known = ~targets.isnan()
        targets = targets.nan_to_num()
        logits = logits.float() + self.adjustment
        counted = known * rows[:, None]
        if self.task == "multiclass":
            each, count = self._softmax(logits, targets), rows.sum()
        else:
            each, count = self._sigmoid(logits, targets), counted.sum()
        loss: Tensor = (each * counted).sum() / count.clamp(min=1e-8)
        return loss

    def _softmax(self, logits: Tensor, targets: Tensor) -> Tensor:
        shares = functional.log_softmax(logits, dim=1)
        soft = targets * (1 - self.smoothing) + self.smoothing / targets.shape[1]
        return -soft * shares * (1 - shares.exp()) ** self.gamma * self.weights

    def _sigmoid(self, logits: Tensor, targets: Tensor) -> Tensor:
        soft = targets * (1 - self.smoothing) + self.smoothing / 2
        plain = functional.binary_cross_entropy_with_logits(logits, soft, reduction="none")
        positive = logits.sigmoid()
        right = positive * targets + (1 - positive) * (1 - targets)
        return plain * (1 - right) ** self.gamma * (1 + targets * (self.weights - 1))
