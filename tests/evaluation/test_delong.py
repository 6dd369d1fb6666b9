"""DeLong's test against the formula of its paper, pair by pair."""

import numpy as np
import pytest
from scipy.stats import norm, t
from sklearn.metrics import roc_auc_score

from diascope.evaluation.delong import auc_interval, delong
from diascope.evaluation.labelled_scores import Floats

EACH = [str(place) for place in range(200)]
"""Groups of one item."""


def test_difference_interval_and_p_are_those_of_all_pairs() -> None:
    random = np.random.default_rng(2)
    targets = (np.arange(90) % 3 == 0).astype(np.float64)
    one = np.round(targets + random.normal(size=90), 1)  # tied, too
    other = np.round(0.5 * targets + random.normal(size=90), 1)
    found = delong(targets, one, other, EACH[:90])
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


def test_two_aucs_of_1_differ_by_0_without_interval_and_p() -> None:
    targets = np.array([0.0, 0, 0, 1, 1, 1])
    found = delong(targets, np.arange(6.0), np.arange(6.0) ** 2, EACH[:6])
    assert found == (0.0, None, None, None)
    assert found.plain() == {"difference": 0.0}


def test_under_no_difference_p_is_below_a_twentieth_about_once_in_twenty() -> None:
    random = np.random.default_rng(6)
    targets = (np.arange(80) % 2).astype(np.float64)
    ps = [
        delong(targets, *(targets + random.normal(size=(2, 80))), EACH[:80]).p for _ in range(400)
    ]
    assert 0.02 < np.mean(np.array(ps) < 0.05) < 0.09


def test_with_few_positive_items_equal_models_do_not_differ_more_often() -> None:
    random = np.random.default_rng(9)
    targets = (np.arange(100) < 3).astype(np.float64)
    ps = [
        delong(targets, *(targets + random.normal(size=(2, 100))), EACH[:100]).p for _ in range(400)
    ]
    assert np.mean(np.array(ps) < 0.05) < 0.05  # 0.10 by the normal distribution


@pytest.mark.parametrize(("count", "auc"), [(3, 0.9), (8, 0.97), (20, 0.97)])
def test_the_interval_of_an_auc_of_few_items_holds_it_about_as_often_as_promised(
    count: int, auc: float
) -> None:
    random, truth = np.random.default_rng(4), np.arange(200) < count
    apart, held = np.sqrt(2) * norm.ppf(auc), []
    for _ in range(300):
        interval = auc_interval(truth, apart * truth + random.normal(size=200), EACH[:200])
        held.append(interval is not None and interval[0] <= auc <= interval[1])
    assert np.mean(held) > 0.88  # by a bootstrap about 0.7 for the first two


def test_the_interval_of_an_auc_is_students_on_the_logit_of_all_pairs() -> None:
    random, truth = np.random.default_rng(5), np.arange(60) < 12
    scores = np.round(truth + random.normal(size=60), 1)  # tied, too
    kernel = np.subtract.outer(scores[truth], scores[~truth])
    kernel = (kernel > 0) + 0.5 * (kernel == 0)
    error = np.sqrt(
        sum(np.var(kernel.mean(axis), ddof=1) / kernel.shape[1 - axis] for axis in (0, 1))
    )
    auc = kernel.mean()
    low, high = t.interval(0.95, 11, np.log(auc / (1 - auc)), error / (auc * (1 - auc)))
    expected = [1 / (1 + np.exp(-end)) for end in (low, high)]
    assert auc_interval(truth, scores, EACH[:60]) == pytest.approx(expected)


def test_an_interval_of_one_patient_is_none_and_that_of_many_is_left_to_the_bootstrap() -> None:
    scores = np.random.default_rng(3).normal(size=100)
    alone, few, many = (auc_interval(np.arange(100) < n, scores, EACH[:100]) for n in (1, 29, 30))
    assert alone == pytest.approx((np.nan, np.nan), nan_ok=True)
    assert few is not None
    assert many is None
    patients = auc_interval(np.arange(100) < 30, scores, ["one"] * 30 + EACH[30:100])
    assert patients == pytest.approx((np.nan, np.nan), nan_ok=True)


def test_one_item_of_a_class_is_too_few() -> None:
    with pytest.raises(
        ValueError, match="two groups with positive and two with negative items, got 1 and 3"
    ):
        delong(np.array([1.0, 0, 0, 0]), np.arange(4.0), np.arange(4.0), EACH[:4])


def test_among_items_of_groups_p_is_below_a_twentieth_about_once_in_twenty() -> None:
    random = np.random.default_rng(7)
    groups = np.repeat(EACH[:60], 5)
    targets = np.repeat(random.random(60) < 0.5, 5) | (random.random(300) < 0.2)  # mixed in some
    ps = []
    for _ in range(300):
        shared = np.repeat(random.normal(size=(2, 60)), 5, axis=1)  # what a model sees in a group
        one, other = 1.5 * targets + shared + 0.5 * random.normal(size=(2, 300))
        ps.append(delong(targets.astype(np.float64), one, other, groups.tolist()).p)
    assert 0.02 < np.mean(np.array(ps) < 0.05) < 0.09


def test_a_difference_without_variance_has_no_interval_and_no_p() -> None:
    targets = np.array([1.0, 1, 0, 0])
    assert delong(targets, targets, -targets, EACH[:4]) == (1.0, None, None, None)


def test_equal_groups_differ_without_variance_despite_rounding() -> None:
    targets, one = np.tile([1.0, 1, 1, 0, 0, 0], 3), np.tile([3.0, 3, 1, 2, 2, 0], 3)
    groups = np.repeat(EACH[:3], 6).tolist()
    assert delong(targets, one, np.zeros(18), groups).plain().keys() == {"difference"}


def test_an_interval_of_a_difference_ends_at_1() -> None:
    targets = np.array([1.0, 1, 1, 0, 0, 0])
    found = delong(targets, targets, np.array([0.4, 0.2, 0.5, 0.3, 0.6, 0.1]), EACH[:6])
    assert 0 < found.low + 1 < found.high + 1 <= 2
    assert found.high == 1


def test_the_error_among_groups_is_that_of_obuchowskis_sums_over_pairs() -> None:
    random = np.random.default_rng(8)
    groups = random.integers(0, 15, 80)
    targets = (random.random(80) < 0.4).astype(np.float64)  # most groups have items of both kinds
    one, other = targets + random.normal(size=(2, 80)) + 0.8 * random.normal(size=15)[groups]
    found = delong(targets, one, other, [str(group) for group in groups])
    ill, well = np.flatnonzero(targets == 1), np.flatnonzero(targets == 0)
    kernel = {
        (i, j): float(one[i] > one[j]) - float(other[i] > other[j]) for i in ill for j in well
    }
    mean = np.mean(list(kernel.values()))
    x = {i: np.mean([kernel[i, j] for j in well]) - mean for i in ill}
    y = {j: np.mean([kernel[i, j] for i in ill]) - mean for j in well}
    sums = [
        (sum(x[i] for i in ill if groups[i] == g), sum(y[j] for j in well if groups[j] == g))
        for g in set(groups.tolist())
    ]
    m, n, count = len(ill), len(well), len(sums)
    with_ill, with_well = len(set(groups[ill].tolist())), len(set(groups[well].tolist()))
    s10 = with_ill / ((with_ill - 1) * m) * sum(a**2 for a, _ in sums)
    s01 = with_well / ((with_well - 1) * n) * sum(b**2 for _, b in sums)
    s11 = count / (count - 1) * sum(a * b for a, b in sums)
    error = np.sqrt(s10 / m + s01 / n + 2 * s11 / (m * n))
    assert found.difference == pytest.approx(mean)
    assert abs(2 * s11 / (m * n)) > 0.05 * error**2  # it does matter here
    sizes = [np.unique(groups[kind], return_counts=True)[1] for kind in (ill, well)]
    freedom = min(sum(each) ** 2 / sum(each**2) for each in sizes) - 1  # Kish's number of groups
    assert (found.low, found.high) == pytest.approx(t.interval(0.95, freedom, mean, error))
