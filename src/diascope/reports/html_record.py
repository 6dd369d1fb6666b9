"""One record as the html report's page reads it: briefly for its index, and in full."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.reports.html_pictures import Pictures, base64_text
from diascope.reports.html_whole import whole
from diascope.sample import Evidence, Failed, Prediction, Record, ScoreKind, Skipped, state_of


def brief(record: Record, multilabel: bool) -> list[Any]:
    """Return state and id; of a prediction also labels, top score, uncertainty, novelty, and
    whether it carries a warning."""
    named = [state_of(record), record.item.id]
    if not isinstance(record, Prediction):
        return named
    scores = np.array(list(record.scores.values()), np.float64)
    doubt = _uncertainty(scores, record.score_kind, multilabel)
    top = _short(scores.max()) if scores.size else None
    novelty = None if record.novelty is None else _short(record.novelty)
    return [*named, record.predicted, top, doubt, novelty, bool(record.warnings)]


def full(record: Record, pictures: Pictures) -> dict[str, Any]:
    if isinstance(record, Failed):
        return {"stage": record.stage, "plugin": record.plugin, "reason": record.reason}
    if isinstance(record, Skipped):
        return {"reason": record.reason}
    preview = record.preview
    if record.overview is not None:  # half of the room for the whole picture, half for the region
        pictures = Pictures.of(pictures.room / 2)
    return {
        "scores": {name: _short(score) for name, score in record.scores.items()},
        "kind": record.score_kind,
        "evidence": [_evidence(evidence) for evidence in record.evidence],
        "picture": None if preview is None else pictures.jpeg(preview),
        "shape": None if preview is None else preview.shape[:2],
        "frames": record.samples,
        "trace": record.trace,
        "set": record.prediction_set,
        "warnings": record.warnings,
        "whole": whole(record, pictures.room),
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    """Return the map as int8 steps of ``scale``, and the sum that it must keep, unrounded."""
    cells = np.nan_to_num(evidence.map)
    scale = float(np.abs(cells).max(initial=0.0)) / 127
    steps = np.rint(cells / (scale or 1)).astype(np.int8)
    return {
        "label": evidence.label,
        "shape": steps.shape,
        "cells": base64_text(steps.tobytes()),
        "scale": _short(scale),
        "sum": float(evidence.map.sum(dtype="float64")),
        "bias": float(evidence.bias),
        "logit": float(evidence.logit),
        "residual": evidence.residual,
    }


def _uncertainty(scores: NDArray[np.float64], kind: ScoreKind, multilabel: bool) -> float | None:
    """Return the scores' entropy, 0 (sure) to 1; with multilabel, of the least sure label."""
    if not scores.size or not np.isfinite(scores).all():
        return None
    if multilabel:
        positive = 1 / (1 + np.exp(-scores)) if kind == "logit" else scores
        shares = np.stack([positive, 1 - positive], axis=1)
    else:
        powers = np.exp(scores - scores.max()) if kind == "logit" else scores
        shares = (powers / (powers.sum() or 1))[None]
    shares = np.clip(shares, 1e-12, 1)
    entropy = -(shares * np.log(shares)).sum(axis=1) / math.log(max(2, shares.shape[1]))
    return round(float(entropy.max()), 4)


def _short(number: float) -> float:
    """Return a number of six digits; what is not quite 1 does not become 1."""
    short = float(f"{number:.6g}")
    return float(number) if short == 1 else short
