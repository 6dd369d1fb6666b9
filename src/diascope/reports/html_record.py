"""The data of one record in the html report: its index entry, and everything else."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.reports.html_pictures import PictureEncoder, base64_text
from diascope.reports.html_whole import whole_picture_data
from diascope.sample import Evidence, Failed, Prediction, Record, ScoreKind, Skipped, state_of


def index_entry(record: Record, multilabel: bool) -> list[Any]:
    """Return state and id, and for a prediction also labels, top score, uncertainty, novelty, and
    whether it has a warning."""
    entry = [state_of(record), record.item.id]
    if not isinstance(record, Prediction):
        return entry
    scores = np.array(list(record.scores.values()), np.float64)
    uncertainty = _uncertainty(scores, record.score_kind, multilabel)
    top = _round(scores.max()) if scores.size else None
    novelty = None if record.novelty is None else _round(record.novelty)
    return [*entry, record.predicted, top, uncertainty, novelty, bool(record.warnings)]


def record_data(record: Record, pictures: PictureEncoder) -> dict[str, Any]:
    if isinstance(record, Failed):
        return {"stage": record.stage, "plugin": record.plugin, "reason": record.reason}
    if isinstance(record, Skipped):
        return {"reason": record.reason}
    preview = record.preview
    if record.overview is not None:  # half of the bytes for the whole picture
        pictures = PictureEncoder.for_bytes(pictures.max_bytes / 2)
    return {
        "scores": {name: _round(score) for name, score in record.scores.items()},
        "kind": record.score_kind,
        "evidence": [_evidence(evidence) for evidence in record.evidence],
        "picture": None if preview is None else pictures.jpeg(preview),
        "shape": None if preview is None else preview.shape[:2],
        "frames": record.samples,
        "trace": record.trace,
        "set": record.prediction_set,
        "warnings": record.warnings,
        "whole": whole_picture_data(record, pictures.max_bytes),
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    """Return the map quantised to int8 steps of ``scale``, and its exact sum."""
    cells = np.nan_to_num(evidence.map)
    scale = float(np.abs(cells).max(initial=0.0)) / 127
    steps = np.rint(cells / (scale or 1)).astype(np.int8)
    return {
        "label": evidence.label,
        "shape": steps.shape,
        "cells": base64_text(steps.tobytes()),
        "scale": _round(scale),
        "sum": float(evidence.map.sum(dtype="float64")),
        "bias": float(evidence.bias),
        "logit": float(evidence.logit),
        "residual": evidence.residual,
    }


def _uncertainty(scores: NDArray[np.float64], kind: ScoreKind, multilabel: bool) -> float | None:
    """Return the entropy of the scores, from 0 (certain) to 1; of multilabel scores, the highest of
    any label."""
    if not scores.size or not np.isfinite(scores).all():
        return None
    if multilabel:
        positive = 1 / (1 + np.exp(-scores)) if kind == "logit" else scores
        probabilities = np.stack([positive, 1 - positive], axis=1)
    else:
        weights = np.exp(scores - scores.max()) if kind == "logit" else scores
        probabilities = (weights / (weights.sum() or 1))[None]
    probabilities = np.clip(probabilities, 1e-12, 1)
    entropy = -(probabilities * np.log(probabilities)).sum(axis=1)
    entropy /= math.log(max(2, probabilities.shape[1]))
    return round(float(entropy.max()), 4)


def _round(number: float) -> float:
    """Return a number rounded to six significant digits, unless that would make it 1."""
    rounded = float(f"{number:.6g}")
    return float(number) if rounded == 1 else rounded
