"""Estimate the colour of the light and correct for it; shared by the colour-constancy steps.

For 8-bit pictures, the computation is done once for each of the 256 values, not for each pixel.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from diascope.sample import Sample

_CODES = np.arange(256, dtype=np.uint8)[:, None, None].repeat(3, axis=2)


def minkowski_mean(sample: Sample, power: float) -> NDArray[np.float64]:
    """Return the Minkowski mean of each channel, ``(C,)``, for pixels in [0, 1]."""
    if _is_8_bit_rgb(sample):
        counts = np.array(_image(sample).histogram()).reshape(3, 256).T
        with np.errstate(invalid="ignore", over="ignore"):  # for values that no pixel has
            values = _powers(replace(sample, pixels=_CODES), power)
        mean = np.where(counts > 0, values * counts, 0).sum(axis=0) / counts.sum(axis=0)
    else:
        mean = _powers(sample, power).mean(axis=0)
    light: NDArray[np.float64] = mean ** (1 / power)
    return light


def correct_illuminant(sample: Sample, illuminant: NDArray[np.float64], name: str) -> Sample:
    """Scale each channel so that the illuminant becomes grey of the same brightness.

    A grey picture stays unchanged, and so does one with a black channel: its illuminant is unknown.
    """
    if len(illuminant) != 3 or illuminant.min() <= 0:
        return sample
    gains = illuminant.mean() / illuminant
    note = f"{name}: red, green, blue times " + ", ".join(f"{gain:.2f}" for gain in gains)
    if _is_8_bit_rgb(sample):
        table = _scale(replace(sample, pixels=_CODES), gains, note).pixels
        pixels = np.array(_image(sample).point(table[:, 0].T.ravel().tolist()))
        return sample.changed(pixels, note)
    return _scale(sample, gains, note)


def _powers(sample: Sample, power: float) -> NDArray[np.float64]:
    """Return the pixels, ``(N, C)`` in [0, 1], raised to a power."""
    unit = sample.unit().reshape(-1, sample.pixels.shape[2]).astype(np.float64)
    return unit**power


def _scale(sample: Sample, gains: NDArray[np.float64], note: str) -> Sample:
    return sample.repainted(sample.unit() * gains.astype(np.float32), note)


def _is_8_bit_rgb(sample: Sample) -> bool:
    return sample.pixels.dtype == np.uint8 and sample.pixels.shape[2] == 3


def _image(sample: Sample) -> Image.Image:
    return Image.fromarray(sample.pixels)
