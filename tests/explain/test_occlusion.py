"""Occlusion sensitivity."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from diascope.explain.occlusion import Occlusion, measure_occlusion


class Corner(nn.Module):
    """Returns the maximum of the upper left quarter and the mean of the picture."""

    def forward(self, batch: Tensor) -> Tensor:
        return torch.stack([batch[:, 0, :8, :8].amax((1, 2)), batch.mean((1, 2, 3))], dim=1)


def bright_spot() -> Tensor:
    batch = torch.zeros(1, 3, 32, 32)
    batch[:, :, 4, 4] = 1
    return batch


def test_the_logit_falls_where_the_decisive_part_is_hidden() -> None:
    found = measure_occlusion(Corner(), bright_spot(), 0, (4, 4))

    assert found.map.shape == (4, 4)
    assert found.map[0, 0] > 0.9
    assert np.abs(found.map[2:, 2:]).max() == 0
    assert found.passes == 17


def test_a_fine_grid_is_reduced_to_12_by_12_cells() -> None:
    assert measure_occlusion(Corner(), bright_spot(), 0, (40, 40)).map.shape == (12, 12)


def test_agreement_is_the_rank_correlation() -> None:
    numbers = np.arange(4, dtype=np.float32).reshape(2, 2)
    found = Occlusion(numbers, 5, 0.0)

    assert found.agreement(numbers**3) == pytest.approx(1)
    assert found.agreement(-numbers) == pytest.approx(-1)
    assert found.agreement(np.zeros((2, 2), np.float32)) is None


def test_finer_evidence_is_averaged_over_the_cells() -> None:
    numbers = np.arange(4, dtype=np.float32).reshape(2, 2)

    assert Occlusion(numbers, 5, 0.0).agreement(np.kron(numbers, np.ones((3, 3), np.float32))) == 1
