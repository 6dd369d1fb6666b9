"""Divide out the colour of the light, shared by the colour-constancy steps."""

import numpy as np
from numpy.typing import NDArray

from diascope.sample import Sample


def minkowski_mean(sample: Sample, power: float) -> NDArray[np.float64]:
    """Return the Minkowski mean of each channel, ``(C,)``, of pixels in [0, 1]."""
    unit = sample.unit().reshape(-1, sample.pixels.shape[2]).astype(np.float64)
    mean: NDArray[np.float64] = np.mean(unit**power, axis=0) ** (1 / power)
    return mean


def balanced(sample: Sample, illuminant: NDArray[np.float64], name: str) -> Sample:
    """Scale each channel so that the illuminant becomes grey of the same brightness.

    A grey picture, or one with a black channel (whose light cannot be told), is left as it is.
    """
    if len(illuminant) != 3 or illuminant.min() <= 0:
        return sample
    gains = illuminant.mean() / illuminant
    note = f"{name}: red, green, blue times " + ", ".join(f"{gain:.2f}" for gain in gains)
    return sample.repainted(sample.unit() * gains.astype(np.float32), note)
