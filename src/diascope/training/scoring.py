"""A network's logits, features and validation metrics on labelled pictures."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from diascope.card import ModelCard
from diascope.decision import scores_from_logits
from diascope.errors import WeightsError
from diascope.evaluation.labelled_scores import Floats
from diascope.evaluation.metrics import macro_auc
from diascope.mirror_images import mean_logits
from diascope.network import Network
from diascope.training.dataset import Pictures, iterate_batches
from diascope.training.decisions import truth_of

Figures = dict[str, float | None]
"""An epoch's number, losses and validation metrics (None if there are too few pictures)."""


def merit(figures: Figures, monitor: str) -> float:
    """Return the value to maximise: a metric of the epoch, or a negated loss."""
    value = figures[monitor]
    if value is None:
        return -math.inf
    return -value if monitor.endswith("loss") else value


def predict_logits(
    network: Network, pictures: Pictures, workers: int, *, flips: bool = False
) -> Floats:
    """Return the logits ``(N, L)`` of all pictures, in order.

    Args:
        flips: average over the picture and its three mirror images.

    Raises:
        WeightsError: if any logit is not a finite number.
    """
    rows = []
    with torch.inference_mode():
        for batch in _network_batches(network, pictures, workers):
            rows.append(_compute(lambda part: mean_logits(network, part, flips=flips), batch))
    logits: Floats = np.concatenate(rows).astype(np.float64)
    if not np.isfinite(logits).all():
        raise WeightsError(
            "the network's answers are not finite numbers: its weights grew too large",
            hint="Choose a smaller learning_rate; if it starts from other weights, check `scale`.",
        )
    return logits


def extract_features(network: Network, pictures: Pictures, workers: int) -> Floats:
    """Return the features ``(N, F)`` of all pictures, in order, averaged over the cells."""
    with torch.inference_mode():
        rows = [
            _compute(lambda part: network.backbone(part).float().mean((2, 3)), batch)
            for batch in _network_batches(network, pictures, workers)
        ]
    return np.concatenate(rows).astype(np.float64)


def validate(network: Network, card: ModelCard, pictures: Pictures, workers: int) -> Figures:
    """Return ``validation_loss``, ``auc_macro`` and, unless multilabel, ``balanced_accuracy``."""
    scores = scores_from_logits(predict_logits(network, pictures, workers), card)
    truth = truth_of(pictures, card)
    auc = macro_auc(truth, scores)
    right = np.where(truth == 1, scores, 1 - scores)
    if card.task == "multiclass":
        right = (scores * truth).sum(axis=1)
    losses = -np.log(np.clip(right, 1e-12, 1))[~np.isnan(truth if right.ndim > 1 else right)]
    figures: Figures = {
        "validation_loss": float(losses.mean()),
        "auc_macro": None if math.isnan(auc) else auc,
    }
    if card.task != "multilabel":
        answer, label = scores.argmax(axis=1), truth.argmax(axis=1)
        recalls = [np.mean(answer[label == one] == one) for one in np.unique(label)]
        figures["balanced_accuracy"] = float(np.mean(recalls))
    return figures


def _compute(call: Callable[[Any], Tensor], batch: Any) -> NDArray[np.float32]:
    """Return a call's rows for a batch, by halves if an accelerator has too little memory."""
    try:
        return call(batch).cpu().numpy()
    except torch.OutOfMemoryError:
        if len(batch) == 1:
            raise
    middle = len(batch) // 2  # outside of the handler, which keeps the failed call's memory
    return np.concatenate([_compute(call, part) for part in (batch[:middle], batch[middle:])])


def _network_batches(network: Network, pictures: Pictures, workers: int) -> Iterator[Any]:
    """Yield batches of network input, with the network in evaluation mode."""
    device = next(network.parameters()).device
    network.eval()
    loader = DataLoader(
        pictures,
        batch_size=pictures.batch_size,
        num_workers=workers,
        collate_fn=pictures.collate_or_error,
    )
    for batch, *_ in iterate_batches(loader):
        yield pictures.to_device(batch, device)
