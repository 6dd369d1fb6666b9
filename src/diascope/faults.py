"""What is wrong with what a plugin returned: a plain text, empty for what keeps to its contract."""

import math
from collections.abc import Mapping
from numbers import Real
from textwrap import shorten

import numpy as np

from diascope.sample import Sample

_SHOWN = 60


def sample_fault(sample: object) -> str:
    """Return what keeps a value from being the Sample that a reader or a step is to give.

    It looks at no single pixel, and quotes nothing of what the file says of itself.
    """
    if not isinstance(sample, Sample):
        return f"expected a Sample, got {type(sample).__name__}"
    pixels, facts = sample.pixels, sample.facts
    if not isinstance(pixels, np.ndarray):
        return f"expected pixels as a NumPy array, got {type(pixels).__name__}"
    if pixels.ndim != 3 or 0 in pixels.shape or pixels.shape[2] not in (1, 3):
        return f"expected pixels (H, W, C), where C is 1 or 3, got the shape {pixels.shape}"
    if pixels.dtype.kind not in "iuf":
        return f"expected pixels that are real numbers, got the dtype {pixels.dtype}"
    if not (_two_numbers(sample.range) and sample.range[0] < sample.range[1]):
        return f"expected a range (black, white), black below white, got {_shown(sample.range)}"
    spacing = sample.spacing_mm
    if spacing is not None and not (_two_numbers(spacing) and min(spacing) > 0):
        return f"expected spacing_mm (row, column) above 0, or None, got {_shown(spacing)}"
    if not (isinstance(sample.trace, tuple) and all(isinstance(s, str) for s in sample.trace)):
        return "expected a trace that is a tuple of texts"
    if not isinstance(facts, Mapping):
        return f"expected facts that map text to text, got {type(facts).__name__}"
    for name, value in facts.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            return f"expected facts that map text to text, got {type(value).__name__} as {name!r}"
    return ""


def _two_numbers(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and all(isinstance(each, Real) and math.isfinite(each) for each in value)
    )


def _shown(value: object) -> str:
    return shorten(repr(value), _SHOWN, placeholder="...")
