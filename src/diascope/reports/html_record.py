"""One record as the html report's page reads it: briefly for its index, and in full."""

import base64
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.sample import Evidence, Failed, Prediction, Record, ScoreKind, Skipped, state_of

_TEXT_BYTES = 1500  # what an item takes in the page besides its picture, generously
_BYTES_A_PIXEL = 0.35  # JPEG of a photograph at the first of these qualities
_QUALITIES = (82, 65, 45)


@dataclass(frozen=True)
class Pictures:
    """How pictures are made small: longest side in pixels, and bytes that a JPEG may take."""

    side: int
    room: float

    @classmethod
    def within(cls, item_bytes: float) -> "Pictures":
        room = max(0.0, item_bytes - _TEXT_BYTES) * 3 / 4  # base64 makes four bytes of three
        return cls(int(min(320, max(32, math.sqrt(room / _BYTES_A_PIXEL)))), room)

    def jpeg(self, preview: NDArray[np.uint8]) -> str:
        """Return ``(h, w, 3)`` as a JPEG in base64, of the best quality for which there is room."""
        from PIL import Image

        image = Image.fromarray(preview)
        image.thumbnail((self.side, self.side), Image.Resampling.LANCZOS)
        for quality in _QUALITIES:
            content = io.BytesIO()
            image.save(content, "JPEG", quality=quality, optimize=True)
            if content.tell() <= self.room:
                break
        return _base64(content.getvalue())


def brief(record: Record, multilabel: bool) -> list[Any]:
    """Return state and id; of a prediction also labels, top score, uncertainty and novelty."""
    named = [state_of(record), record.item.id]
    if not isinstance(record, Prediction):
        return named
    scores = np.array(list(record.scores.values()), np.float64)
    doubt = _uncertainty(scores, record.score_kind, multilabel)
    top = _short(scores.max()) if scores.size else None
    novelty = None if record.novelty is None else _short(record.novelty)
    return [*named, record.predicted, top, doubt, novelty]


def full(record: Record, pictures: Pictures) -> dict[str, Any]:
    if isinstance(record, Failed):
        return {"stage": record.stage, "plugin": record.plugin, "reason": record.reason}
    if isinstance(record, Skipped):
        return {"reason": record.reason}
    preview = record.preview
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
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    """Return the map as int8 steps of ``scale``, and the sum that it must keep, unrounded."""
    cells = np.nan_to_num(evidence.map)
    scale = float(np.abs(cells).max(initial=0.0)) / 127
    steps = np.rint(cells / (scale or 1)).astype(np.int8)
    return {
        "label": evidence.label,
        "shape": steps.shape,
        "cells": _base64(steps.tobytes()),
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


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _short(number: float) -> float:
    return float(f"{number:.6g}")
