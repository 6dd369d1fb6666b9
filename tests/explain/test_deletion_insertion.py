"""The score as ever more of the picture is hidden."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from diascope.explain.deletion_insertion import DeletionInsertion, measure_deletion_insertion

CELLS = 8


class Corner(nn.Module):
    """Answers how bright the upper left quarter is."""

    def forward(self, batch: Tensor) -> Tensor:
        return batch[:, :, :16, :16].mean((1, 2, 3))[:, None]


def score(logits: Tensor) -> np.ndarray:
    return logits[:, 0].double().numpy()


def measured(evidence: np.ndarray) -> DeletionInsertion:
    batch = torch.zeros(1, 1, 32, 32)
    batch[:, :, :16, :16] = 1.0
    batch -= batch.mean()
    return measure_deletion_insertion(Corner(), batch, evidence, score, np.random.default_rng(0))


def corner(value: float) -> np.ndarray:
    cells = np.zeros((CELLS, CELLS), np.float32)
    cells[:4, :4] = value
    return cells


def test_a_map_of_what_decides_lowers_the_score_sooner_than_chance() -> None:
    found = measured(corner(1))

    assert found.deletion < found.random < found.insertion


def test_a_map_of_what_does_not_matter_does_worse_than_chance() -> None:
    found = measured(corner(-1))

    assert found.insertion < found.random < found.deletion


def test_a_score_that_nothing_changes_is_its_own_area() -> None:
    found = measure_deletion_insertion(
        nn.Flatten(),
        torch.full((1, 1, 8, 8), 0.4),
        np.random.default_rng(1).normal(size=(3, 3)).astype(np.float32),
        score,
        np.random.default_rng(0),
    )

    assert found == pytest.approx((0.4, 0.4, 0.4))
