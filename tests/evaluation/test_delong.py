"""DeLong's test against the formula of its paper, pair by pair."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from diascope.evaluation.delong import delong
from diascope.evaluation.scored import Floats


def test_difference_interval_and_p_are_those_of_all_pairs() -> None:
    random = np.random.default_rng(2)
    targets = (np.arange(90) % 3 == 0).astype(np.float64)
    one = np.round(targets + random.normal(size=90), 1)  # tied, too
    other = np.round(0.5 * targets + random.normal(size=90), 1)
    found = delong(targets, one, other)
    error = pairwise_error(targets, one, other)
    difference = roc_auc_score(targets, one) - roc_auc_score(targets, other)
    assert found.difference == pytest.approx(difference)
    assert found.p == pytest.approx(2 * norm.sf(abs(difference) / error))
    assert (found.low, found.high) == pytest.approx(norm.interval(0.95, difference, error))


def pairwise_error(targets: Floats, one: Floats, other: Floats) -> float:
    """Return the standard error from the placements' covariance (DeLong et al. 1988, eq. 5)."""
    placed = []
    for scores in (one, other):
        gaps = scores[targets == 1][:, None] - scores[targets == 0][None, :]
        kernel = (gaps > 0) + 0.5 * (gaps == 0)
        placed.append((kernel.mean(axis=1), kernel.mean(axis=0)))
    found = np.cov([rows for rows, _ in placed]) / len(placed[0][0])
    cleared = np.cov([columns for _, columns in placed]) / len(placed[0][1])
    contrast = np.array([1, -1])
    return float(np.sqrt(contrast @ (found + cleared) @ contrast))


def test_equal_scores_do_not_differ() -> None:
    targets, scores = np.array([0.0, 1, 0, 1, 1]), np.array([0.1, 0.4, 0.5, 0.8, 0.9])
    assert delong(targets, scores, scores) == (0.0, 0.0, 0.0, 1.0)


def test_under_no_difference_p_is_below_a_twentieth_about_once_in_twenty() -> None:
    random = np.random.default_rng(6)
    targets = (np.arange(80) % 2).astype(np.float64)
    ps = [delong(targets, *(targets + random.normal(size=(2, 80)))).p for _ in range(400)]
    assert 0.02 < np.mean(np.array(ps) < 0.05) < 0.09


def test_one_item_of_a_kind_is_too_few() -> None:
    with pytest.raises(ValueError, match="two items of either kind, got 1 and 3"):
        delong(np.array([1.0, 0, 0, 0]), np.arange(4.0), np.arange(4.0))
