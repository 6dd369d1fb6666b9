"""Mixup of pairs of pictures."""

import pytest
import torch
from torch import Tensor

from diascope.training.mixup import mix_pictures

COUNT = 4000
ONES = torch.ones(COUNT)


def numbered() -> tuple[Tensor, Tensor]:
    """Return pictures and targets that both hold nothing but the picture's number."""
    numbers = torch.arange(COUNT, dtype=torch.float32)
    return numbers[:, None, None, None].expand(-1, 3, 2, 2).clone(), numbers[:, None].expand(-1, 2)


def test_a_target_is_mixed_as_its_picture_is() -> None:
    pictures, targets, rows = mix_pictures(*numbered(), ONES, 0.5)

    assert torch.equal(pictures[:, 0, 0, 0], pictures[:, 2, 1, 1])
    assert torch.equal(pictures[:, 0, 0, 0], targets[:, 0])
    assert torch.equal(rows, ONES)
    assert not torch.equal(pictures, numbered()[0])


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_have_the_variance_of_their_distribution(alpha: float) -> None:
    torch.manual_seed(0)
    eye = torch.cat([torch.zeros(COUNT, 1), torch.ones(COUNT, 1)])  # of 0 and 1 the share is told
    pictures = eye[:, :, None, None].expand(-1, 3, 2, 2)
    shares = mix_pictures(pictures, eye, torch.ones(len(eye)), alpha)[1]
    shares = shares[(shares > 0) & (shares < 1)]

    assert float(shares.var()) == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.1)


def test_a_label_unknown_in_one_picture_is_unknown_in_its_mixtures() -> None:
    pictures, targets = numbered()
    targets = targets.clone()
    targets[: COUNT // 2, 1] = torch.nan
    found = mix_pictures(pictures, targets, ONES, 0.5)[1]

    assert not found[:, 0].isnan().any()
    assert found[: COUNT // 2, 1].isnan().all()
    assert float(found[COUNT // 2 :, 1].isnan().float().mean()) == pytest.approx(0.5, abs=0.05)


def test_a_row_counts_in_a_mixture_by_its_weight() -> None:
    pictures, targets = numbered()
    rows = (torch.arange(COUNT) % 2).float() * 3  # the even ones count nothing
    mixtures, targets, weights = mix_pictures(pictures, targets, rows, 0.5)

    counted = weights > 0
    assert 0.5 < counted.float().mean() < 1
    odd = targets[counted & ((weights < 3) | (rows == 0)), 0]
    assert torch.equal(odd, odd.round())  # the whole target is of the one that counts
    assert (odd % 2 == 1).all()
    assert weights.mean() == pytest.approx(1.5, abs=0.1)
    assert not torch.equal(mixtures, pictures)
