"""From bootstrap draws to the bounds of an interval."""

import numpy as np
import pytest

from diascope.evaluation.bootstrap import calibration_error_interval, percentile_interval, to_figure


def test_an_interval_leaves_out_a_fortieth_of_the_draws_on_each_side() -> None:
    assert percentile_interval(np.arange(1001.0)) == (25, 975)


def test_a_calibration_error_is_bounded_by_the_distances_below_and_its_draws_above() -> None:
    drawn, away = np.linspace(0.1, 0.5, 1001), np.linspace(0.0, 0.1, 1001)

    low, high = calibration_error_interval(0.2, drawn, away)

    assert low == pytest.approx(0.2 - np.percentile(away, 97.5))
    assert high == pytest.approx(0.2 * 2 - np.percentile(drawn, 2.5))


def test_undefined_draws_do_not_count_and_too_few_give_no_interval() -> None:
    drawn = np.full(1000, np.nan)
    drawn[:100] = np.linspace(0, 1, 100)
    assert percentile_interval(drawn) == pytest.approx((0.025, 0.975))

    drawn[0] = np.nan
    assert np.isnan(percentile_interval(drawn)).all()
    assert np.isnan(calibration_error_interval(0.2, drawn, drawn)).all()
    assert to_figure(0.2, percentile_interval(drawn)) == {"value": 0.2}
