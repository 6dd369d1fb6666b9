"""Bootstrap over groups: what would another sample of as many people have given?

Efron and Tibshirani 1993, "An Introduction to the Bootstrap"; groups, not pictures, are drawn,
because pictures of one person are not independent.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from diascope.evaluation.labelled_scores import Floats

_MIN_DEFINED = 0.1
_MAX_WEIGHTS = 4_000_000  # of a matrix of weights: 32 MB
_ROUNDING = 1e-9  # draws that differ by less do by the arithmetic
_DIGITS = 6  # of which pages show three: four would round some of them twice, and wrongly


def group_weights(groups: Sequence[str], *, draws: int, seed: int) -> Iterator[Floats]:
    """Yield ``(d, N)`` parts of ``draws`` rows: how often each item is drawn with its group."""
    names, codes = np.unique(np.asarray(groups), return_inverse=True)
    random = np.random.default_rng(seed)
    shares = np.full(len(names), 1 / len(names))
    rows = max(1, _MAX_WEIGHTS // len(codes))
    for start in range(0, draws, rows):
        counts = random.multinomial(len(names), shares, size=min(rows, draws - start))
        yield counts[:, codes].astype(np.float64)


def percentile_interval(drawn: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentile of the draws that are defined.

    NaN if fewer than a tenth of them are: what is measured rests on too few groups.
    """
    return _percentile(drawn, 2.5), _percentile(drawn, 97.5)


def calibration_error_interval(
    value: float, drawn: NDArray[np.float64], away: NDArray[np.float64]
) -> tuple[float, float]:
    """Return the interval of a calibration error, which chance makes larger: a draw's the more so.

    Whatever the truth, it is no farther from the value than the gaps of all bins are from theirs
    together, so this bounds it from below; from above, that draws exceed the value as it exceeds
    the truth (the basic bootstrap).

    Args:
        drawn: the draws' errors.
        away: how far the draws' gaps are from the table's, all bins together.
    """
    below, above = _percentile(away, 97.5), _percentile(drawn, 2.5)
    if np.isnan(below):
        return np.nan, np.nan
    return max(value - below, 0.0), min(max(2 * value - above, value), 1.0)


def to_figure(value: float, bounds: tuple[float, float]) -> dict[str, float]:
    """Return ``value, low, high``; without bounds, or where no draw changes it, the value alone."""
    low, high = bounds
    numbers = {"value": value} | ({"low": low, "high": high} if high - low > _ROUNDING else {})
    return {name: round(float(number), _DIGITS) for name, number in numbers.items()}


def _percentile(drawn: NDArray[np.float64], share: float) -> float:
    defined = drawn[~np.isnan(drawn)]
    if defined.size < _MIN_DEFINED * drawn.size:
        return np.nan
    return float(np.percentile(defined, share))
