"""Sampling of the pictures of an epoch."""

from itertools import chain
from typing import Any

import numpy as np
import pytest

from diascope.training.options import TrainOptions
from diascope.training.sampling import EpochSampler, label_shift, label_weights, rarity

RARE = np.eye(2, dtype=np.float32)[[0] * 90 + [1] * 10]


def options(**values: Any) -> TrainOptions:
    return TrainOptions(table=None, backbone="b", **values)  # type: ignore[arg-type]


def rows(drawn: EpochSampler) -> list[int]:
    return [row for row, _ in drawn]


def test_without_balance_each_picture_comes_once() -> None:
    assert sorted(rows(EpochSampler(RARE, options()))) == list(range(100))


@pytest.mark.parametrize(("power", "share"), [(0.0, 0.1), (0.5, 0.25), (1.0, 0.5)])
def test_sampling_brings_rare_labels_more_often_to_the_power(power: float, share: float) -> None:
    drawn = EpochSampler(RARE, options(balance="sampling", balance_power=power, epoch_size=20_000))

    assert np.mean(np.array(rows(drawn)) >= 90) == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize(
    ("how", "odds"),
    [
        ({}, 1),
        ({"balance": "sampling"}, 1 / 3),  # 75 and 25 are drawn of 90 and 10
        ({"balance": "weights"}, 1 / 3),
        ({"balance": "sampling", "balance_power": 1.0}, 1 / 9),
        ({"logit_adjustment": 1.0}, 1 / 9),  # the network learns even odds
        ({"balance": "sampling", "logit_adjustment": 1.0}, 1 / 9),
    ],
    ids=str,
)
def test_the_shift_is_by_how_much_training_made_the_rare_label_seem_more_frequent(
    how: dict[str, Any], odds: float
) -> None:
    common, rare = label_shift(RARE, np.ones(100, np.float32), options(**how))

    assert np.exp(rare - common) == pytest.approx(odds)


def test_a_label_that_no_row_teaches_is_not_shifted() -> None:
    rows, weights = np.eye(4, dtype=np.float32)[[0] * 9 + [1, 2]], np.ones(11, np.float32)
    weights[-1] = 0
    shift = label_shift(rows, weights, options(balance="sampling"))

    assert np.isfinite(shift).all()
    assert shift[2:].tolist() == [0, 0]


def test_rows_of_ten_times_the_weight_seem_ten_times_as_frequent() -> None:
    weights = np.where(RARE[:, 1] == 1, np.float32(10), np.float32(1))
    common, rare = label_shift(RARE, weights, options())

    assert np.exp(rare - common) == pytest.approx(1 / 10)


def test_teachers_say_how_frequent_labels_are_however_pictures_are_drawn() -> None:
    taught = options(balance="sampling", teachers=("w",))

    assert label_shift(RARE, np.ones(100, np.float32), taught).tolist() == [0, 0]


def test_epochs_differ_and_come_again_the_same() -> None:
    drawn = EpochSampler(RARE, options())
    first = list(drawn)
    drawn.epoch = 1
    second = list(drawn)
    drawn.epoch = 0

    assert list(drawn) == first
    assert not {seed for _, seed in first} & {seed for _, seed in second}


def test_processes_share_an_epoch_without_overlap() -> None:
    whole = list(EpochSampler(RARE, options()))
    parts = [list(EpochSampler(RARE, options(), (rank, 4))) for rank in range(4)]

    assert [len(part) for part in parts] == [25] * 4
    assert sorted(chain(*parts)) == sorted(whole)


def test_an_unknown_label_makes_no_picture_rare() -> None:
    targets = np.array([[1, np.nan], [1, 0], [1, 0], [0, 1]], np.float32)
    drawn = EpochSampler(targets, options(balance="sampling", balance_power=1.0))

    assert drawn.shares[0] == drawn.shares[1] < drawn.shares[3]


def test_weights_of_labels_that_exclude_each_other_are_one_on_average() -> None:
    weights = label_weights(RARE, options(balance="weights", balance_power=1.0), "multiclass")

    assert weights.mean() == pytest.approx(1)
    assert weights[1] / weights[0] == pytest.approx(9)


def test_rarity_counts_only_rows_where_the_label_is_known() -> None:
    targets = np.full((100, 2), np.nan, np.float32)
    targets[:, 0] = np.arange(100) < 20  # a fifth of all
    targets[:4, 1] = [1, 1, 0, 0]  # half of four

    assert rarity(targets)[:3].tolist() == [5, 5, 5]
    assert rarity(targets[2:])[:2] == pytest.approx([98 / 18] * 2)
