"""What is wrong with what a plugin returned: a plain text, empty for what keeps to its contract."""

import math
from collections.abc import Mapping
from numbers import Real
from textwrap import shorten
from typing import get_args

import numpy as np

from diascope.card import ModelCard
from diascope.sample import Prediction, Sample, ScoreKind

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
        return f"expected a range, a tuple (low, high) with low < high, got {_shown(sample.range)}"
    spacing = sample.spacing_mm
    if spacing is not None and not (_two_numbers(spacing) and min(spacing) > 0):
        return f"expected spacing_mm, a tuple (row, column) above 0 or None, got {_shown(spacing)}"
    if not _texts(sample.trace):
        return "expected a trace that is a tuple of texts"
    if not isinstance(facts, Mapping):
        return f"expected facts that map text to text, got {type(facts).__name__}"
    for name, value in facts.items():
        if not (isinstance(name, str) and isinstance(value, str)):
            return f"expected facts that map text to text, got {type(value).__name__} as {name!r}"
    return ""


def answer_fault(prediction: object, card: ModelCard) -> str:
    """Return what keeps a value from being a Prediction for the labels of a card, or an empty text.

    Whether the scores are finite is not looked at.
    """
    if not isinstance(prediction, Prediction):
        return f"expected a Prediction, got {type(prediction).__name__}"
    names, preview, kind = card.names, prediction.preview, prediction.score_kind
    if tuple(prediction.scores) != names:
        return f"expected scores of {names}, got {tuple(prediction.scores)}"
    calibrated = card.score_kind == "probability"
    if kind not in get_args(ScoreKind) or (kind == "probability" and not calibrated):
        return f"expected scores of the card's kind, {card.score_kind}, got {_shown(kind)}"
    chosen = {"predicted": prediction.predicted, "prediction_set": prediction.prediction_set or ()}
    for name, labels in chosen.items():
        if not (_texts(labels) and set(labels) <= set(names)):
            return f"expected {name}, a tuple of the card's labels, got {_shown(labels)}"
    for name, texts in (("trace", prediction.trace), ("warnings", prediction.warnings)):
        if not _texts(texts):
            return f"expected {name}, a tuple of texts, got {_shown(texts)}"
    if preview is not None and (preview.dtype != "uint8" or preview.shape[2:] != (3,)):
        return f"expected a preview (h, w, 3) of uint8, got {preview.dtype} {preview.shape}"
    for evidence in prediction.evidence:
        if evidence.label not in names or evidence.map.ndim != 2:
            got = f"{_shown(evidence.label)} with the shape {evidence.map.shape}"
            return f"expected evidence of the card's labels with maps (h, w), got {got}"
    return ""


def _texts(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(each, str) for each in value)


def _two_numbers(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and all(isinstance(each, Real) and math.isfinite(each) for each in value)
    )


def _shown(value: object) -> str:
    return shorten(repr(value), _SHOWN, placeholder="...")
