"""Losses, against torch's and MONAI's own."""

from typing import Any

import numpy as np
import pytest
import torch
from monai.losses import FocalLoss
from torch import Tensor
from torch.nn import functional

from diascope.card import Task
from diascope.training.loss import Objective
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


@pytest.mark.parametrize(("task", "columns"), [("binary", 1), ("multilabel", 2)])
def test_balanced_weights_let_those_who_have_a_label_count_as_much_as_those_who_do_not(
    task: Task, columns: int
) -> None:
    targets = torch.zeros(100, columns)
    targets[:5] = 1
    targets[50:, -1] = torch.nan  # of whom nothing is known, nothing counts
    logits = torch.randn(100, columns)
    values = TrainOptions(table=None, backbone="b", balance="weights", balance_power=1.0)  # type: ignore[arg-type]
    weights = torch.tensor([19.0, 9.0][-columns:])
    known = ~targets.isnan()
    peer = functional.binary_cross_entropy_with_logits(
        logits, targets.nan_to_num(), pos_weight=weights, reduction="none"
    )[known].mean()
    found = Objective(values, task, targets.numpy())(logits, targets, torch.ones(100))

    assert float(found) == pytest.approx(float(peer))


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_a_sure_and_right_answer_has_a_slope_in_the_focal_loss_of_every_gamma(task: Task) -> None:
    logits = torch.tensor([[30.0], [-30.0]] if task == "binary" else [[60.0, -60.0]])
    targets = torch.tensor([[1.0], [0.0]] if task == "binary" else [[1.0, 0.0]])
    logits.requires_grad_()
    values = TrainOptions(table=None, backbone="b", loss="focal", focal_gamma=0.5)  # type: ignore[arg-type]
    Objective(values, task, np.eye(2, targets.shape[1], dtype=np.float32))(
        logits, targets, torch.ones(len(targets))
    ).backward()

    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-6


def test_the_focal_loss_of_a_mixed_target_is_the_mixture_of_both_losses() -> None:
    values = TrainOptions(table=None, backbone="b", loss="focal")  # type: ignore[arg-type]
    objective = Objective(values, "binary", np.array([[0.0], [1.0]], np.float32))
    logits, one = torch.tensor([[2.2]]), torch.ones(1)
    ends = [float(objective(logits, torch.tensor([[end]]), one)) for end in (0.0, 1.0)]

    mixture = float(objective(logits, torch.tensor([[0.3]]), one))
    assert mixture == pytest.approx(0.7 * ends[0] + 0.3 * ends[1])


def test_logits_are_adjusted_by_the_frequency_with_which_labels_are_drawn() -> None:
    rare = np.eye(2, dtype=np.float32)[[0] * 90 + [1] * 10]
    both = {"balance": "sampling", "balance_power": 1.0, "logit_adjustment": 1.0}
    values = TrainOptions(table=None, backbone="b", **both)  # type: ignore[arg-type]

    assert Objective(values, "multiclass", rare).adjustment == pytest.approx(np.log([0.5, 0.5]))


def test_a_label_that_is_unknown_everywhere_leaves_the_loss_finite() -> None:
    targets = MANY.clone()
    targets[:, 2] = torch.nan

    assert np.isfinite(loss("multilabel", targets, logit_adjustment=1.0))


def test_label_smoothing_is_of_the_answer_not_of_the_label_that_weighs_more() -> None:
    weights = {"balance": "weights", "balance_power": 1.0, "label_smoothing": 0.1}
    values = TrainOptions(table=None, backbone="b", **weights)  # type: ignore[arg-type]
    objective = Objective(values, "binary", np.array([[1.0]] + [[0.0]] * 99, np.float32))
    scores = torch.linspace(-6, 6, 2401)[:, None]
    for target, best in ((0.0, 0.05), (1.0, 0.95)):
        losses = [
            float(objective(score[None], torch.tensor([[target]]), torch.ones(1)))
            for score in scores
        ]
        assert float(scores[int(np.argmin(losses))].sigmoid()) == pytest.approx(best, abs=1e-3)
