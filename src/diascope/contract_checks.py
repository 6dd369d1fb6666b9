"""What is wrong with what a plugin returned: a plain text, empty for what keeps to its contract."""

import math
from collections.abc import Mapping, Sequence, Set
from numbers import Integral, Real
from textwrap import shorten
from typing import Any, TypeGuard, get_args

import numpy as np

from diascope.card import ModelCard
from diascope.sample import (
    Failed,
    Item,
    Overview,
    Prediction,
    Region,
    Regions,
    Sample,
    ScoreKind,
    Skipped,
)

_SHOWN = 60
_INT32 = 2**31  # boxes are kept as int32


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
    return _region_fault(sample.region) or _overview_fault(sample.overview)


def answer_fault(prediction: object, card: ModelCard) -> str:
    """Return what keeps a value from being a Prediction for the labels of a card, or an empty text.

    Whether its numbers are finite is not looked at, but for the scores of regions.
    """
    if not isinstance(prediction, Prediction):
        return f"expected a Prediction, got {type(prediction).__name__}"
    names, kind = card.names, prediction.score_kind
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
    if prediction.preview is not None and not _is_picture(prediction.preview):
        return f"expected a preview (h, w, 3) of uint8, got {_array(prediction.preview)}"
    for evidence in prediction.evidence:
        if evidence.label not in names or not _is_array(evidence.map, 2):
            got = f"{_shown(evidence.label)} with {_array(evidence.map)}"
            return f"expected evidence of the card's labels with maps (h, w), got {got}"
        if not (_is_number(evidence.logit) and _is_number(evidence.bias)):
            got = _shown((evidence.logit, evidence.bias))
            return f"expected evidence whose logit and bias are numbers, got {got}"
    if not _whole(prediction.samples, least=1):
        return f"expected samples, a whole number from 1, got {_shown(prediction.samples)}"
    for name, value in (("novelty", prediction.novelty), ("attention", prediction.attention)):
        if value is not None and not isinstance(value, Real):
            return f"expected {name}, a number or None, got {_shown(value)}"
    return (
        _region_fault(prediction.region)
        or _overview_fault(prediction.overview)
        or _regions_fault(prediction.regions, len(names))
    )


def score_fault(prediction: Prediction) -> str:
    """Return which score of a Prediction is no number, or an empty text."""
    wrong = [name for name, score in prediction.scores.items() if not math.isfinite(score)]
    return f"the score of {wrong[0]} is not a number" if wrong else ""


def chunk_fault(records: object, waiting: Set[Item]) -> str:
    """Return what keeps a value from being the Records of items that wait, or an empty text."""
    if not isinstance(records, Sequence):
        return f"expected a sequence of Records, got {type(records).__name__}"
    seen = set[Item]()
    for each in records:
        if not isinstance(each, Prediction | Failed | Skipped):
            return f"expected Records, got {type(each).__name__}"
        if each.item not in waiting or each.item in seen:
            named = _shown(getattr(each.item, "id", each.item))
            return f"expected one Record of each item that it took, got another one of {named}"
        seen.add(each.item)
    return ""


def _region_fault(region: object) -> str:
    if region is None:
        return ""
    if not isinstance(region, Region):
        return f"expected a Region or None, got {_shown(region)}"
    place, extent = (region.x, region.y), (region.width, region.height)
    if not (all(map(_whole, place)) and all(_whole(each, least=1) for each in extent)):
        return f"expected a Region of whole numbers, as large as a pixel or more, got {region}"
    return ""


def _overview_fault(overview: object) -> str:
    if overview is None:
        return ""
    if not isinstance(overview, Overview):
        return f"expected an Overview or None, got {_shown(overview)}"
    picture, mask, size = overview.picture, overview.mask, overview.size
    if not _is_picture(picture):
        return f"expected an overview's picture (h, w, 3) of uint8, got {_array(picture)}"
    if not (_is_array(mask, 2) and mask.dtype == bool and mask.shape == picture.shape[:2]):
        return f"expected an overview's mask of bool and {picture.shape[:2]}, got {_array(mask)}"
    if not (isinstance(size, tuple) and len(size) == 2 and all(_whole(n, least=1) for n in size)):
        return f"expected an overview's size, a tuple (height, width), got {_shown(size)}"
    spacing, counts = overview.spacing_mm, overview.counts
    if spacing is not None and not (_two_numbers(spacing) and min(spacing) > 0):
        return (
            "expected an overview's spacing_mm, a tuple (row, column) above 0 or None, "
            f"got {_shown(spacing)}"
        )
    if not (isinstance(counts, Mapping) and all(map(_whole, counts.values()))):
        return f"expected an overview's counts, whole numbers by name, got {_shown(counts)}"
    return ""


def _regions_fault(regions: object, labels: int) -> str:
    if regions is None:
        return ""
    if not isinstance(regions, Regions):
        return f"expected Regions or None, got {_shown(regions)}"
    boxes, scores = regions.boxes, regions.scores
    whole = isinstance(boxes, np.ndarray) and boxes.dtype.kind in "iu"
    if not (whole and boxes.shape[1:] == (4,)):  # n may be 0
        return f"expected Regions with boxes (n, 4) of whole numbers, got {_array(boxes)}"
    if not (isinstance(scores, np.ndarray) and scores.shape == (len(boxes), labels)):
        return f"expected Regions with scores ({len(boxes)}, {labels}), got {_array(scores)}"
    if not np.isfinite(scores).all():
        return "expected Regions with finite scores"
    return ""


def _is_picture(value: object) -> bool:
    return _is_array(value, 3) and value.dtype == "uint8" and value.shape[2] == 3


def _is_array(value: object, dimensions: int) -> TypeGuard["np.ndarray[Any, Any]"]:
    """Whether it is an array of so many dimensions with anything in it."""
    return isinstance(value, np.ndarray) and value.ndim == dimensions and value.size > 0


def _array(value: object) -> str:
    """Name an array by what it is, and what is none by its type."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return type(value).__name__


def _whole(value: object, least: int = -_INT32) -> bool:
    return isinstance(value, Integral) and least <= int(value) < _INT32


def _is_number(value: Any) -> bool:
    """Whether the ledger can keep it as a number: of a library, such as torch, too."""
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


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
