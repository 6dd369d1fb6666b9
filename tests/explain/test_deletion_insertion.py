"""Deletion and insertion curves."""

import numpy as np
import pytest
import torch
from torch import Tensor

from diascope.explain.deletion_insertion import DeletionInsertion, measure_deletion_insertion

CELLS = 8


def score(batch: Tensor) -> np.ndarray:
    """Return the mean brightness of the upper left quarter."""
    return batch[:, :, :16, :16].mean((1, 2, 3)).double().numpy()


def measure(evidence: np.ndarray) -> DeletionInsertion:
    batch = torch.zeros(1, 1, 32, 32)
    batch[:, :, :16, :16] = 1.0
    batch -= batch.mean()
    return measure_deletion_insertion(batch, evidence, score, np.random.default_rng(0))


def corner(value: float) -> np.ndarray:
    cells = np.zeros((CELLS, CELLS), np.float32)
    cells[:4, :4] = value
    return cells


def test_a_map_of_the_decisive_part_does_better_than_chance() -> None:
    found = measure(corner(1))

    assert found.deletion < found.random < found.insertion


def test_a_map_of_an_irrelevant_part_does_worse_than_chance() -> None:
    found = measure(corner(-1))

    assert found.insertion < found.random < found.deletion


def test_the_area_under_a_constant_score_is_that_score() -> None:
    found = measure_deletion_insertion(
        torch.full((1, 1, 8, 8), 0.4),
        np.random.default_rng(1).normal(size=(3, 3)).astype(np.float32),
        score,
        np.random.default_rng(0),
    )

    assert found == pytest.approx((0.4, 0.4, 0.4))
