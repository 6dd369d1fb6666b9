"""Confidence intervals by a bootstrap over groups.

Efron and Tibshirani 1993, "An Introduction to the Bootstrap". Groups are drawn with replacement
instead of pictures, because pictures of one person are not independent.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from diascope.evaluation.group_counts import ENOUGH_GROUPS
from diascope.evaluation.labelled_scores import Floats

_MIN_DEFINED = 0.1  # fraction of the draws
_MAX_WEIGHTS = 4_000_000  # numbers in a matrix of weights: 32 MB
_ROUNDING = 1e-9  # smaller differences between draws are rounding errors
_DIGITS = 6  # pages show three; rounding to four first would sometimes change the third


def group_weights(groups: Sequence[str], *, draws: int, seed: int) -> Iterator[Floats]:
    """Yield ``(d, N)`` matrices of weights, ``draws`` rows in all.

    A weight is how often an item is drawn with its group.
    """
    names, codes = np.unique(np.asarray(groups), return_inverse=True)
    random = np.random.default_rng(seed)
    probabilities = np.full(len(names), 1 / len(names))
    rows = max(1, _MAX_WEIGHTS // len(codes))
    for start in range(0, draws, rows):
        counts = random.multinomial(len(names), probabilities, size=min(rows, draws - start))
        yield counts[:, codes].astype(np.float64)


def bootstrap_interval(
    value: float,
    drawn: NDArray[np.float64],
    groups: float,
    *,
    ends: tuple[float, float] = (0.0, 1.0),
) -> tuple[float, float]:
    """Return the 95 % interval of a metric: the 2.5th and 97.5th percentile of its defined draws.

    If it rests on few groups, that is too narrow: a few groups do not show how different others can
    be. The interval is then by Student's t and the draws' standard deviation, corrected for the
    number n of groups by the square root of n / (n - 1) (Hesterberg 2015, "What Teachers Should
    Know About the Bootstrap"). It is symmetric on the logit scale between the metric's ends, which
    for a correlation is that of Fisher's z.

    NaN if fewer than a tenth of the draws are defined, or if there is one group only.

    Args:
        value: the metric; at either end of its range, the percentiles are kept.
        drawn: its draws.
        groups: how many groups it rests on; see ``effective_groups``.
        ends: the least and the greatest value that the metric can have.
    """
    from scipy.special import expit, logit
    from scipy.stats import t

    low, high = _percentile(drawn, 2.5), _percentile(drawn, 97.5)
    least, most = ends
    few = groups < ENOUGH_GROUPS and least < value < most
    if not few or np.isnan(low):
        return low, high
    if groups <= 1:
        return np.nan, np.nan
    if high - low <= _ROUNDING:
        return low, high
    margin = t(groups - 1).ppf(0.975) * np.nanstd(drawn) * np.sqrt(groups / (groups - 1))
    margin *= (most - least) / ((value - least) * (most - value))  # by the delta method
    middle = logit((value - least) / (most - least))
    low, high = least + (most - least) * expit([middle - margin, middle + margin])
    return float(low), float(high)


def calibration_error_interval(
    value: float, drawn: NDArray[np.float64], distances: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the interval of a calibration error.

    The error is biased upwards by chance, in draws even more than in the table. It differs from the
    true error by at most the absolute differences between the table's gaps and the true gaps,
    summed over all bins. The draws' distances from the table estimate this sum; their 97.5th
    percentile gives the lower bound. The upper bound is that of the basic bootstrap, which assumes
    that draws exceed the value as the value exceeds the true error; it is at least the value.

    Args:
        drawn: the draws' errors.
        distances: the absolute differences between a draw's gaps and the table's, summed over all
            bins.
    """
    distance, least = _percentile(distances, 97.5), _percentile(drawn, 2.5)
    if np.isnan(distance):
        return np.nan, np.nan
    return max(value - distance, 0.0), min(max(2 * value - least, value), 1.0)


def to_figure(value: float, bounds: tuple[float, float]) -> dict[str, float]:
    """Return ``value, low, high``, or ``value`` alone if the bounds are NaN or equal."""
    low, high = bounds
    numbers = {"value": value} | ({"low": low, "high": high} if high - low > _ROUNDING else {})
    return {name: round(float(number), _DIGITS) for name, number in numbers.items()}


def _percentile(drawn: NDArray[np.float64], percent: float) -> float:
    defined = drawn[~np.isnan(drawn)]
    if defined.size < _MIN_DEFINED * drawn.size:
        return np.nan
    return float(np.percentile(defined, percent))
