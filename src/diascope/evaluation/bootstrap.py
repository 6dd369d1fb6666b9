"""Bootstrap over groups: what would another sample of as many people have given?

Efron and Tibshirani 1993, "An Introduction to the Bootstrap"; groups, not pictures, are drawn,
because pictures of one person are not independent.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from diascope.evaluation.scored import Floats

_LEAST = 0.1
_NUMBERS = 4_000_000  # of a matrix of weights: 32 MB
_DIGITS = 6  # of which pages show three: four would round some of them twice, and wrongly


def group_weights(groups: Sequence[str], *, draws: int, seed: int) -> Iterator[Floats]:
    """Yield ``(d, N)`` parts of ``draws`` rows: how often each item is drawn with its group."""
    names, codes = np.unique(np.asarray(groups), return_inverse=True)
    random = np.random.default_rng(seed)
    shares = np.full(len(names), 1 / len(names))
    rows = max(1, _NUMBERS // len(codes))
    for start in range(0, draws, rows):
        counts = random.multinomial(len(names), shares, size=min(rows, draws - start))
        yield counts[:, codes].astype(np.float64)


def interval(drawn: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentile of the draws that are defined.

    NaN if fewer than a tenth of them are: what is measured rests on too few groups.
    """
    defined = drawn[~np.isnan(drawn)]
    if defined.size < _LEAST * drawn.size:
        return np.nan, np.nan
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)


def figure(value: float, drawn: NDArray[np.float64]) -> dict[str, float]:
    """Return ``value, low, high``; where too few of the draws measure it, the value alone."""
    low, high = interval(drawn)
    numbers = {"value": value} | ({} if np.isnan(low) else {"low": low, "high": high})
    return {name: round(float(number), _DIGITS) for name, number in numbers.items()}
