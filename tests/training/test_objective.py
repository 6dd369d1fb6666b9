"""Losses, against torch's and MONAI's own."""

from typing import Any

import numpy as np
import pytest
import torch
from monai.losses import FocalLoss
from torch import Tensor
from torch.nn import functional

from diascope.card import Task
from diascope.training.objective import Objective
from diascope.training.options import TrainOptions

torch.manual_seed(0)
LOGITS, ONES = torch.randn(6, 3), torch.ones(6)
LABELS = torch.tensor([0, 0, 0, 1, 1, 2])
MANY = torch.tensor([[1.0, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
HOT = functional.one_hot(LABELS, 3).float()


def loss(task: Task, targets: Tensor, rows: Tensor = ONES, **options: Any) -> float:
    values = TrainOptions(table=None, backbone="b", **options)  # type: ignore[arg-type]
    return float(Objective(values, task, targets.numpy())(LOGITS, targets, rows))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_one_label_a_picture_is_cross_entropy(smoothing: float) -> None:
    peer = functional.cross_entropy(LOGITS, LABELS, label_smoothing=smoothing)

    assert loss("multiclass", HOT, label_smoothing=smoothing) == pytest.approx(float(peer))


def test_many_labels_are_binary_cross_entropy() -> None:
    peer = functional.binary_cross_entropy_with_logits(LOGITS, MANY)

    assert loss("multilabel", MANY) == pytest.approx(float(peer))


def test_focal_loss_is_monais() -> None:
    one = FocalLoss(use_softmax=True, gamma=2.0, reduction="none")(LOGITS, HOT).sum(1).mean()
    many = FocalLoss(gamma=2.0)(LOGITS, MANY)

    assert loss("multiclass", HOT, loss="focal") == pytest.approx(float(one))
    assert loss("multilabel", MANY, loss="focal") == pytest.approx(float(many))


def test_unknown_labels_change_nothing() -> None:
    masked = MANY.clone()
    masked[:, 2] = torch.nan
    peer = functional.binary_cross_entropy_with_logits(LOGITS[:, :2], MANY[:, :2])
    values = TrainOptions(table=None, backbone="b")  # type: ignore[arg-type]
    objective = Objective(values, "multilabel", MANY.numpy())

    assert float(objective(LOGITS, masked, ONES)) == pytest.approx(float(peer))


def test_a_row_of_weight_0_changes_nothing() -> None:
    rows = torch.tensor([1.0, 1, 1, 1, 1, 0])
    peer = functional.cross_entropy(LOGITS[:5], LABELS[:5])

    assert loss("multiclass", HOT, rows) == pytest.approx(float(peer))


def test_logits_are_adjusted_by_the_labels_frequency() -> None:
    prior = torch.log(torch.tensor([3 / 6, 2 / 6, 1 / 6]))
    peer = functional.cross_entropy(LOGITS + prior, LABELS)

    assert loss("multiclass", HOT, logit_adjustment=1.0) == pytest.approx(float(peer))


def test_balanced_weights_count_rare_labels_more() -> None:
    weights = np.array([6 / 3, 6 / 2, 6 / 1])
    weights = torch.tensor(weights / weights.mean(), dtype=torch.float32)
    peer = functional.cross_entropy(LOGITS, LABELS, weight=weights, reduction="none").mean()
    found = loss("multiclass", HOT, balance="weights", balance_power=1.0)

    assert found == pytest.approx(float(peer))
