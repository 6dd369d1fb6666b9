"""Checks of the values that plugins return.

Each check returns a description of the first fault, or an empty text if the value is valid.
"""

import math
from collections.abc import Mapping, Sequence, Set
from numbers import Integral, Real
from textwrap import shorten
from typing import Any, TypeGuard, get_args

import numpy as np

from diascope.card import ModelCard
from diascope.sample import (
    FACTS,
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

_MAX_LENGTH = 60
_INT32 = 2**31  # boxes are kept as int32
_ROUNDING = 1e-3  # of the sum of weights in float32


def sample_fault(sample: object) -> str:
    """Return why a value is not a valid Sample from a reader or a step, or an empty text.

    Single pixels are not checked, see ``pixel_fault``. The text quotes no value of a fact.
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
    if not (_is_number_pair(sample.range) and sample.range[0] < sample.range[1]):
        return f"expected a range, a tuple (low, high) with low < high, got {_short(sample.range)}"
    if not _is_int32(sample.frame, least=0):
        return f"expected frame, a whole number from 0, got {_short(sample.frame)}"
    if fault := _spacing_fault("spacing_mm", sample.spacing_mm):
        return fault
    if not _are_texts(sample.trace):
        return "expected a trace that is a tuple of texts"
    if not isinstance(facts, Mapping):
        return f"expected facts that map text to text, got {type(facts).__name__}"
    for name, value in facts.items():
        if name not in FACTS:
            return f"expected facts named {', '.join(FACTS)}, got one named {_short(name)}"
        if not isinstance(value, str):
            return f"expected facts that map text to text, got {type(value).__name__} as {name!r}"
    return _region_fault(sample.region) or _overview_fault(sample.overview)


def pixel_fault(sample: Sample) -> str:
    """Return how many of a Sample's values are NaN or infinite, or an empty text.

    Some engines turn NaN into an ordinary score.
    """
    if sample.pixels.dtype.kind != "f":
        return ""
    with np.errstate(over="ignore"):  # a network takes float32
        finite = np.isfinite(sample.pixels.astype(np.float32, copy=False))
    if finite.all():
        return ""
    wrong, size = finite.size - np.count_nonzero(finite), finite.size
    return f"after reader and steps, {wrong} of {size} pixel values are not finite numbers"


def backbone_fault(backbone: Any) -> str:
    """Return why the attributes of a Backbone are not valid, or an empty text."""
    for name in ("in_channels", "features"):
        count = getattr(backbone, name, None)
        if not _is_int32(count, least=1):
            return f"expected {name}, a whole number from 1, got {_short(count)}"
    for name in ("mean", "std"):
        numbers: Any = getattr(backbone, name, None)
        try:
            listed = [] if isinstance(numbers, str) else [float(each) for each in numbers]
        except (TypeError, ValueError):
            listed = []
        is_valid = all(map(math.isfinite, listed)) and (
            name == "mean" or min(listed, default=0) > 0
        )
        if len(listed) != backbone.in_channels or not is_valid:
            kind = "a number" if name == "mean" else "a number above 0"
            return (
                f"expected {name}, {kind} for each of {backbone.in_channels} in_channels, got "
                f"{_short(numbers)}"
            )
    return ""


def answer_fault(prediction: object, card: ModelCard) -> str:
    """Return why a value is not a valid Prediction for the labels of a card, or an empty text.

    Only the scores of regions are checked for being finite; see ``score_fault`` for the others.
    """
    if not isinstance(prediction, Prediction):
        return f"expected a Prediction, got {type(prediction).__name__}"
    names, kind = card.names, prediction.score_kind
    if tuple(prediction.scores) != names:
        return f"expected scores of {names}, got {tuple(prediction.scores)}"
    calibrated = card.score_kind == "probability"
    if kind not in get_args(ScoreKind) or (kind == "probability" and not calibrated):
        return f"expected scores of the card's kind, {card.score_kind}, got {_short(kind)}"
    chosen = {"predicted": prediction.predicted, "prediction_set": prediction.prediction_set or ()}
    for name, labels in chosen.items():
        if not (_are_texts(labels) and set(labels) <= set(names)):
            return f"expected {name}, a tuple of the card's labels, got {_short(labels)}"
    for name, texts in (("trace", prediction.trace), ("warnings", prediction.warnings)):
        if not _are_texts(texts):
            return f"expected {name}, a tuple of texts, got {_short(texts)}"
    if prediction.preview is not None and not _is_picture(prediction.preview):
        return f"expected a preview (h, w, 3) of uint8, got {_kind_of(prediction.preview)}"
    for evidence in prediction.evidence:
        if evidence.label not in names or not _is_array(evidence.map, 2):
            got = f"{_short(evidence.label)} with {_kind_of(evidence.map)}"
            return f"expected evidence of the card's labels with maps (h, w), got {got}"
        if not (_is_number(evidence.logit) and _is_number(evidence.bias)):
            got = _short((evidence.logit, evidence.bias))
            return f"expected evidence whose logit and bias are numbers, got {got}"
    if not _is_int32(prediction.samples, least=1):
        return f"expected samples, a whole number from 1, got {_short(prediction.samples)}"
    for name, value in (("novelty", prediction.novelty), ("attention", prediction.attention)):
        if value is not None and not isinstance(value, Real):
            return f"expected {name}, a number or None, got {_short(value)}"
    return (
        _region_fault(prediction.region)
        or _overview_fault(prediction.overview)
        or _regions_fault(prediction.regions, len(names))
    )


def score_fault(prediction: Prediction) -> str:
    """Return which score of a Prediction is not a finite number, or an empty text."""
    wrong = [name for name, score in prediction.scores.items() if not math.isfinite(score)]
    return f"the score of {wrong[0]} is not a number" if wrong else ""


def chunk_fault(records: object, waiting: Set[Item]) -> str:
    """Return why a value is not a sequence of Records, one for each item, or an empty text.

    Args:
        waiting: the items that have no Record yet.
    """
    if not isinstance(records, Sequence):
        return f"expected a sequence of Records, got {type(records).__name__}"
    seen = set[Item]()
    for each in records:
        if not isinstance(each, Prediction | Failed | Skipped):
            return f"expected Records, got {type(each).__name__}"
        if each.item not in waiting or each.item in seen:
            named = _short(getattr(each.item, "id", each.item))
            return f"expected one Record of each item that it took, got another one of {named}"
        seen.add(each.item)
    return ""


def _region_fault(region: object) -> str:
    if region is None:
        return ""
    if not isinstance(region, Region):
        return f"expected a Region or None, got {_short(region)}"
    place, extent = (region.x, region.y), (region.width, region.height)
    if not (all(map(_is_int32, place)) and all(_is_int32(each, least=1) for each in extent)):
        return f"expected a Region of whole numbers, as large as a pixel or more, got {region}"
    return ""


def _overview_fault(overview: object) -> str:
    if overview is None:
        return ""
    if not isinstance(overview, Overview):
        return f"expected an Overview or None, got {_short(overview)}"
    picture, mask, size = overview.picture, overview.mask, overview.size
    if not _is_picture(picture):
        return f"expected an overview's picture (h, w, 3) of uint8, got {_kind_of(picture)}"
    if not (_is_array(mask, 2) and mask.dtype == bool and mask.shape == picture.shape[:2]):
        return f"expected an overview's mask of bool and {picture.shape[:2]}, got {_kind_of(mask)}"
    if not (
        isinstance(size, tuple) and len(size) == 2 and all(_is_int32(n, least=1) for n in size)
    ):
        return f"expected an overview's size, a tuple (height, width), got {_short(size)}"
    if fault := _spacing_fault("an overview's spacing_mm", overview.spacing_mm):
        return fault
    counts = overview.counts
    if not (isinstance(counts, Mapping) and all(map(_is_int32, counts.values()))):
        return f"expected an overview's counts, whole numbers by name, got {_short(counts)}"
    return ""


def _spacing_fault(name: str, spacing: Any) -> str:
    if spacing is None or (_is_number_pair(spacing) and min(spacing) > 0):
        return ""
    return f"expected {name}, a tuple (row, column) above 0 or None, got {_short(spacing)}"


def _regions_fault(regions: object, labels: int) -> str:
    if regions is None:
        return ""
    if not isinstance(regions, Regions):
        return f"expected Regions or None, got {_short(regions)}"
    boxes, scores = regions.boxes, regions.scores
    integers = isinstance(boxes, np.ndarray) and boxes.dtype.kind in "iu"
    if not (integers and boxes.shape[1:] == (4,)):  # n may be 0
        return f"expected Regions with boxes (n, 4) of whole numbers, got {_kind_of(boxes)}"
    if not (isinstance(scores, np.ndarray) and scores.shape == (len(boxes), labels)):
        return f"expected Regions with scores ({len(boxes)}, {labels}), got {_kind_of(scores)}"
    if not np.isfinite(scores).all():
        return "expected Regions with finite scores"
    weights = regions.attention
    if weights is None:
        return ""
    if not (isinstance(weights, np.ndarray) and weights.shape == (len(boxes),)):
        return f"expected Regions with attention ({len(boxes)},) or None, got {_kind_of(weights)}"
    if len(weights) and not (weights.min() >= 0 and abs(weights.sum() - 1) <= _ROUNDING):
        return "expected Regions with attention of weights from 0 whose sum is 1"
    return ""


def _is_picture(value: object) -> bool:
    return _is_array(value, 3) and value.dtype == "uint8" and value.shape[2] == 3


def _is_array(value: object, dimensions: int) -> TypeGuard["np.ndarray[Any, Any]"]:
    """Whether it is a non-empty array with that number of dimensions."""
    return isinstance(value, np.ndarray) and value.ndim == dimensions and value.size > 0


def _kind_of(value: object) -> str:
    """Describe an array by its dtype and shape, any other value by its type."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return type(value).__name__


def _is_int32(value: object, least: int = -_INT32) -> bool:
    return isinstance(value, Integral) and least <= int(value) < _INT32


def _is_number(value: Any) -> bool:
    """Whether ``float`` accepts it, as the ledger needs; this includes scalars of torch."""
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _are_texts(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(each, str) for each in value)


def _is_number_pair(value: object) -> bool:
    return (
        isinstance(value, tuple)
        and len(value) == 2
        and all(isinstance(each, Real) and math.isfinite(each) for each in value)
    )


def _short(value: object) -> str:
    return shorten(repr(value), _MAX_LENGTH, placeholder="...")
