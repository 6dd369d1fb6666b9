"""The first layer at chosen epochs."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from diascope.training.filters import Filters, kept_epochs, read_filters, save_filters
from diascope.training.page_filters import filter_history


def backbone(value: float) -> nn.Module:
    network = nn.Sequential(nn.Conv2d(3, 4, 5), nn.Conv2d(4, 2, 3))
    with torch.no_grad():
        network[0].weight.fill_(value)
    return network


@pytest.mark.parametrize(
    ("epochs", "kept"),
    [(1, {0, 1}), (4, {0, 1, 2, 3, 4}), (16, set(range(0, 17, 2))), (40, set(range(0, 41, 5)))],
)
def test_epochs_are_spread_evenly_from_the_start_to_the_end(epochs: int, kept: set[int]) -> None:
    assert kept_epochs(epochs) == kept


def test_a_training_that_goes_on_overwrites_what_came_later(tmp_path: Path) -> None:
    for epoch, value in ((0, 1.0), (2, 2.0), (4, 9.0), (3, 3.0)):
        save_filters(backbone(value), epoch, tmp_path)

    found = read_filters(tmp_path)
    assert found is not None
    assert found.epochs.tolist() == [0, 2, 3]
    assert found.weights.shape == (3, 4, 3, 5, 5)
    assert found.weights[:, 0, 0, 0, 0].tolist() == [1, 2, 3]


def test_a_new_training_ignores_filters_of_another_one(tmp_path: Path) -> None:
    save_filters(nn.Conv2d(3, 6, 3), 0, tmp_path)
    save_filters(backbone(1.0), 0, tmp_path)

    found = read_filters(tmp_path)
    assert found is not None
    assert found.weights.shape == (1, 4, 3, 5, 5)


def test_a_backbone_without_a_convolution_leaves_no_file(tmp_path: Path) -> None:
    save_filters(nn.Linear(2, 2), 0, tmp_path)

    assert read_filters(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_the_cosine_is_1_of_what_only_grew_and_0_of_what_turned_by_a_right_angle() -> None:
    weights = np.zeros((2, 2, 1, 1, 2), np.float32)
    weights[0, :, 0, 0] = (1, 0)
    weights[1, :, 0, 0] = ((5, 0), (0, 2))

    assert Filters(np.array([0, 1]), weights).likeness().tolist() == [[1, 1], [1, 0]]


def test_filters_that_are_almost_or_wholly_zero_have_a_cosine_too() -> None:
    weights = np.zeros((2, 3, 1, 1, 2), np.float32)
    weights[:, 0, 0, 0] = ((1e-8, 0), (0, 3e-9))
    weights[:, 1, 0, 0] = ((2e-9, 1e-9), (2e-9, 1e-9))

    likeness = Filters(np.array([0, 1]), weights).likeness()

    np.testing.assert_allclose(likeness, [[1, 1, 1], [0, 1, 1]])


def test_filters_stand_apart_so_that_one_sees_where_each_ends() -> None:
    row = filter_history(Filters(np.array([0]), np.ones((1, 2, 3, 5, 5), np.float32)))["rows"][0]
    data = base64.b64decode(row["picture"].partition(",")[2])
    opacity = np.asarray(Image.open(io.BytesIO(data)))[:, :, 3]

    assert opacity.shape == (20, 20 + 8 + 20)
    assert (opacity[:, 20:28] == 0).all()
    assert (np.delete(opacity, range(20, 28), axis=1) == 255).all()
