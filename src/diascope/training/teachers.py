"""Knowledge distillation: trained networks whose answers are learned along with the labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from diascope.card import ModelCard, read_card
from diascope.engines.fold_batch_norm import fold_batch_norms
from diascope.errors import RecipeError
from diascope.network import Network, load_network
from diascope.plugin_creation import make_backbone
from diascope.training.dataset import normalisation


class Teachers:
    """Networks that answer each training batch, with the same augmentation as the learner.

    Source: Hinton et al. 2015, "Distilling the Knowledge in a Neural Network"; the same view for
    teacher and learner as in Beyer et al. 2022, "Knowledge distillation: A good teacher is patient
    and consistent".

    Args:
        folders: weights folders, each with its card.
        card: of the learner.
        share: weight of the teachers' mean answer in the target; the labels have the rest.
        device: such as ``cpu``, ``cuda:0``.

    Raises:
        RecipeError: if a teacher cannot teach this learner.
        WeightsError: if its weights cannot be loaded.
    """

    def __init__(self, folders: Sequence[Path], card: ModelCard, share: float, device: str) -> None:
        self.share = share
        self.task = card.task
        self.cards = [teacher_card(folder, card) for folder in folders]
        self.networks = [
            _load_teacher(card, folder, device)
            for card, folder in zip(self.cards, folders, strict=True)
        ]

    @torch.no_grad()
    def soften(self, pictures: Tensor, targets: Tensor) -> Tensor:
        """Return ``targets`` ``(N, L)``, moved towards the teachers' mean answer.

        Args:
            pictures: ``(N, C, H, W)`` in [0, 1], on the teachers' device; they are resized to the
                size that each teacher was trained with.
            targets: NaN where a label is unknown, which stays NaN.
        """
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        answers = [
            self._answer(network, card, pictures)
            for network, card in zip(self.networks, self.cards, strict=True)
        ]
        return targets.lerp(torch.stack(answers).mean(0), self.share)

    def _answer(self, network: Network, card: ModelCard, pictures: Tensor) -> Tensor:
        mean, std = normalisation(card, pictures.device)
        if pictures.shape[2:] != card.size:
            pictures = functional.interpolate(
                pictures, card.size, mode="bilinear", align_corners=False, antialias=True
            )
        logits: Tensor = network((pictures - mean) / std).float()
        return logits.softmax(1) if self.task == "multiclass" else logits.sigmoid()


def teacher_card(folder: Path, learner: ModelCard) -> ModelCard:
    """Return a teacher's card, after checking that it suits the learner.

    Raises:
        RecipeError: if the task, labels or channels differ, or the teacher has an attention head.
        WeightsError: if the folder has no card.
    """
    card = read_card(folder)
    for what in ("task", "names", "channels"):
        its, ours = getattr(card, what), getattr(learner, what)
        if its != ours:
            raise RecipeError(
                f"teachers: {what} must be {_format(ours)} as in this training, not {_format(its)}",
                where=str(folder),
                hint="A teacher must have the same labels in the same order.",
            )
    if card.head == "attention":
        raise RecipeError(
            "teachers: a model with an attention head cannot classify single pictures",
            where=str(folder),
        )
    return card


def _format(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _load_teacher(card: ModelCard, folder: Path, device: str) -> Network:
    backbone = make_backbone(card.backbone, card.backbone_parameters)
    network = load_network(card, folder, backbone, device)
    return Network(fold_batch_norms(network.backbone, card), network.head).eval()
