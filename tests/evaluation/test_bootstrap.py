"""From bootstrap draws to the bounds of an interval."""

import numpy as np
import pytest
from scipy.stats import t

from diascope.evaluation.bootstrap import bootstrap_interval, calibration_error_interval, to_figure


def test_an_interval_of_many_groups_leaves_out_a_fortieth_of_the_draws_on_each_side() -> None:
    assert bootstrap_interval(0.4, np.linspace(0, 1, 1001), 30) == (0.025, 0.975)


def test_an_interval_of_few_groups_is_students() -> None:
    drawn = np.append(np.random.default_rng(0).normal(0.9, 0.05, 1000), np.nan)
    error = np.sqrt(6 / 5) * drawn[:-1].std()

    low, high = bootstrap_interval(1.8, drawn * 2, 6, ends=(0, 2))
    correlation = bootstrap_interval(0.9, drawn, 6, ends=(-1, 1))

    assert np.log([low / (2 - low), high / (2 - high)]) == pytest.approx(
        t.interval(0.95, 5, np.log(9), error / (0.9 * 0.1))
    )
    assert np.arctanh(correlation) == pytest.approx(  # Fisher's z
        t.interval(0.95, 5, np.arctanh(0.9), error / (1 - 0.9**2))
    )


def test_one_group_gives_no_interval_but_a_value_at_its_end_the_draws() -> None:
    drawn = np.linspace(0, 1, 1001)
    assert np.isnan(bootstrap_interval(0.4, drawn, 1)).all()
    assert bootstrap_interval(1.0, drawn, 1) == (0.025, 0.975)


def test_a_calibration_error_is_bounded_by_the_distances_below_and_its_draws_above() -> None:
    drawn, away = np.linspace(0.1, 0.5, 1001), np.linspace(0.0, 0.1, 1001)

    low, high = calibration_error_interval(0.2, drawn, away)

    assert low == pytest.approx(0.2 - np.percentile(away, 97.5))
    assert high == pytest.approx(0.2 * 2 - np.percentile(drawn, 2.5))


def test_undefined_draws_do_not_count_and_too_few_give_no_interval() -> None:
    drawn = np.full(1000, np.nan)
    drawn[:100] = np.linspace(0, 1, 100)
    assert bootstrap_interval(0.2, drawn, 99) == pytest.approx((0.025, 0.975))

    drawn[0] = np.nan
    for groups in (5, 99):
        assert np.isnan(bootstrap_interval(0.2, drawn, groups)).all()
    assert np.isnan(calibration_error_interval(0.2, drawn, drawn)).all()
    assert to_figure(0.2, (np.nan, np.nan)) == {"value": 0.2}
