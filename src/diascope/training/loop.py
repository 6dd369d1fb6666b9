"""Epochs over labelled pictures, on Lightning Fabric, resumable after a kill."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Sampler

from diascope.card import ModelCard
from diascope.decision import scores_of
from diascope.errors import WeightsError
from diascope.network import Network
from diascope.training.checkpoint import load_checkpoint, save_checkpoint
from diascope.training.metrics import Floats, macro_auc
from diascope.training.options import TrainOptions
from diascope.training.pictures import Pictures

_EXAMPLE_SEED = 1_000_003
"""Distance between the augmentation seeds of two epochs: more than any number of pictures."""


Figures = dict[str, float | None]
"""Of an epoch: its number, loss, and validation AUC (None if too few pictures to have one)."""


@dataclass(frozen=True)
class Progress:
    """Where a training stands after a step; after an epoch with the validation's macro AUC."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    auc: float | None = None


@dataclass
class Trainer:
    """One training, start to end.

    Attributes:
        watch: called after each step and each epoch.
        workers: processes that read and augment pictures.
    """

    network: Network
    card: ModelCard
    options: TrainOptions
    training: Pictures
    validation: Pictures
    directory: Path
    digest: str
    workers: int
    watch: Callable[[Progress], None]
    history: list[Figures] = field(default_factory=list)

    def fit(self) -> list[Figures]:
        """Train, leave the best epoch's weights in the network, and return the epochs' figures."""
        from lightning_fabric import Fabric

        fabric = Fabric(devices=1, precision=self.options.precision)
        fabric.launch()
        body = self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        body.backbone.requires_grad_(not self.options.freeze_backbone)
        optimizer = torch.optim.AdamW(
            _decayed(body, self.options.weight_decay), lr=self.options.learning_rate
        )
        model, wrapped = fabric.setup(body, optimizer)
        sampler = Drawn(self.training.targets, self.options)
        loader = fabric.setup_dataloaders(self._loader(self.training, sampler))
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=self.options.learning_rate,
            total_steps=self.options.epochs * len(loader),
            pct_start=0.15,
        )
        best = self._resume(optimizer, schedule)
        for epoch in range(len(self.history), self.options.epochs):
            sampler.epoch = epoch
            fabric.seed_everything(self.options.seed + epoch, verbose=False)
            loss = self._epoch(fabric, model, wrapped, schedule, loader, epoch)
            auc = macro_auc(*score_all(self.network, self.card, self.validation, self.workers))
            told = None if math.isnan(auc) else auc
            self.history.append({"epoch": epoch + 1, "loss": loss, "auc_macro": told})
            steps = len(loader)
            self.watch(Progress(epoch + 1, self.options.epochs, steps, steps, loss, auc))
            if best["network"] is None or math.isnan(best["auc"]) or auc >= best["auc"]:
                best = {"auc": auc, "network": _copied(self.network)}
            self._save(optimizer, schedule, best)
        self.network.load_state_dict(best["network"])
        return self.history

    def _epoch(
        self, fabric: Any, model: Any, optimizer: Any, schedule: Any, loader: Any, epoch: int
    ) -> float:
        model.train()
        if self.options.freeze_backbone:
            self.network.backbone.eval()
        mean, std = _statistics(self.card, fabric.device)
        total = 0.0
        for step, (pictures, targets) in enumerate(loader, 1):
            batch = ((pictures - mean) / std).contiguous(memory_format=torch.channels_last)
            loss = self._loss(model(batch), targets)
            optimizer.zero_grad()
            fabric.backward(loss)
            optimizer.step()
            schedule.step()
            total += loss.item()
            if not math.isfinite(total):
                raise WeightsError(
                    f"the loss is not a number any more at step {step} of epoch {epoch + 1}",
                    hint="Choose a smaller learning_rate, or precision: 32-true.",
                )
            self.watch(Progress(epoch + 1, self.options.epochs, step, len(loader), total / step))
        return total / len(loader)

    def _loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        smoothing = self.options.label_smoothing
        if self.card.task == "multiclass":
            return functional.cross_entropy(logits, targets, label_smoothing=smoothing)
        softened = targets * (1 - smoothing) + smoothing / 2
        return functional.binary_cross_entropy_with_logits(logits, softened)

    def _loader(self, pictures: Pictures, sampler: "Drawn") -> DataLoader[Any]:
        return DataLoader(
            pictures,
            batch_size=self.options.batch,
            sampler=sampler,
            num_workers=self.workers,
            drop_last=len(sampler) > self.options.batch,
        )

    def _resume(self, optimizer: Any, schedule: Any) -> dict[str, Any]:
        state = load_checkpoint(self.directory, self.digest)
        if state is None:
            return {"auc": -1.0, "network": None}
        self.network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        self.history.extend(state["history"])
        best: dict[str, Any] = state["best"]
        return best

    def _save(self, optimizer: Any, schedule: Any, best: dict[str, Any]) -> None:
        state = {
            "digest": self.digest,
            "network": self.network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state_dict(),
            "history": self.history,
            "best": best,
        }
        save_checkpoint(self.directory, state)


class Drawn(Sampler[tuple[int, int]]):
    """Which pictures an epoch sees, each with the seed of its augmentation; set by the epoch."""

    def __init__(self, targets: np.ndarray[Any, np.dtype[np.float32]], options: TrainOptions):
        self.epoch = 0
        self.seed = options.seed
        self.size = options.epoch_size or len(targets)
        rows = targets if targets.shape[1] > 1 else np.concatenate([targets, 1 - targets], axis=1)
        power = options.balance_power if options.balance == "classes" else 0.0
        counts = np.maximum(rows.sum(axis=0), 1)
        rarity = (rows * (len(rows) / counts) ** power).max(axis=1)
        weights = np.where(rarity > 0, rarity, 1.0)
        self.shares = weights / weights.sum()
        self.replace = options.balance == "classes" or self.size > len(targets)

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[tuple[int, int]]:
        random = np.random.default_rng((self.seed, self.epoch))
        count = len(self.shares)
        shares = self.shares if self.replace else None
        rows = random.choice(count, self.size, replace=self.replace, p=shares)
        start = (self.seed + self.epoch) * _EXAMPLE_SEED
        return iter([(int(row), start + place) for place, row in enumerate(rows)])


def score_all(
    network: Network, card: ModelCard, pictures: Pictures, workers: int
) -> tuple[Floats, Floats]:
    """Return targets and scores, ``(N, number of labels)``, of every picture, in order."""
    device = next(network.parameters()).device
    mean, std = _statistics(card, device)
    network.eval()
    logits, targets = [], []
    with torch.inference_mode():
        for batch, target in DataLoader(pictures, batch_size=32, num_workers=workers):
            normal = ((batch.to(device) - mean) / std).contiguous(memory_format=torch.channels_last)
            logits.append(network(normal).float().cpu().numpy())
            targets.append(target.numpy())
    truth = np.concatenate(targets).astype(np.float64)
    if card.task == "binary":
        truth = np.concatenate([1 - truth, truth], axis=1)
    return truth, scores_of(np.concatenate(logits), card)


def _statistics(card: ModelCard, device: Any) -> tuple[Tensor, Tensor]:
    shape = (1, card.channels, 1, 1)
    mean = torch.tensor(card.mean, device=device).reshape(shape)
    return mean, torch.tensor(card.std, device=device).reshape(shape)


def _decayed(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Weight decay acts on filters and matrices, not on biases and normalisation."""
    wanted = [weight for weight in network.parameters() if weight.requires_grad]
    return [
        {"params": [weight for weight in wanted if weight.ndim > 1], "weight_decay": decay},
        {"params": [weight for weight in wanted if weight.ndim <= 1], "weight_decay": 0.0},
    ]


def _copied(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
