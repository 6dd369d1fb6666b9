"""From the scores of frames to the scores of an item."""

import numpy as np
import pytest

from diascope.aggregation import aggregate_scores

ROWS = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])


def test_mean_takes_the_mean_over_the_frames() -> None:
    np.testing.assert_allclose(aggregate_scores(ROWS, "mean", 1, sums_to_one=False), [0.5, 0.5])


def test_max_takes_the_largest_score_of_each_label() -> None:
    np.testing.assert_allclose(aggregate_scores(ROWS, "max", 2, sums_to_one=False), [0.9, 0.8])


def test_top_k_takes_the_mean_of_the_k_largest_of_each_label() -> None:
    np.testing.assert_allclose(aggregate_scores(ROWS, "top-k", 2, sums_to_one=False), [0.65, 0.7])


def test_top_k_of_more_frames_than_there_are_is_the_mean() -> None:
    np.testing.assert_allclose(aggregate_scores(ROWS, "top-k", 9, sums_to_one=False), [0.5, 0.5])


@pytest.mark.parametrize("how", ["mean", "max", "top-k"])
def test_scores_that_sum_to_one_still_do(how: str) -> None:
    scores = aggregate_scores(ROWS, how, 2, sums_to_one=True)  # type: ignore[arg-type]
    free = aggregate_scores(ROWS, how, 2, sums_to_one=False)  # type: ignore[arg-type]

    assert scores.sum() == pytest.approx(1)
    np.testing.assert_allclose(scores[0] / scores[1], free[0] / free[1])
