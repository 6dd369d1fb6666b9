"""Convert a Record to plain values and bytes for SQLite, and back.

Numbers survive exactly, except that scores and weights of regions become float32. Pictures are
stored as JPEG, or as PNG where they must survive exactly.
"""

import io
import json
from typing import Any

import numpy as np

from diascope.display_text import as_utf8
from diascope.sample import (
    Evidence,
    Failed,
    Item,
    Overview,
    Prediction,
    Record,
    Region,
    Regions,
    Skipped,
)

COLUMNS = (
    "state",
    "stage",
    "plugin",
    "reason",
    "answer",
    "preview",
    "maps",
    "overview",
    "mask",
    "regions",
)
"""The first four are text. For a Prediction, ``answer`` is JSON and the others are bytes."""

_PICTURE_QUALITY = 90


def pack_record(record: Record, *, lossless: bool = False) -> tuple[Any, ...]:
    """Return a record's values of ``COLUMNS``; pictures as PNG if ``lossless``.

    Plugins may quote names that are not UTF-8; their bytes are escaped.
    """
    if isinstance(record, Skipped):
        return "skipped", None, None, as_utf8(record.reason), *[None] * 6
    if isinstance(record, Failed):
        return "failed", record.stage, record.plugin, as_utf8(record.reason), *[None] * 6
    overview, box, regions = record.overview, record.region, record.regions
    answer = {
        "scores": {name: float(score) for name, score in record.scores.items()},
        "score_kind": record.score_kind,
        "predicted": list(record.predicted),
        "samples": int(record.samples),
        "trace": list(map(as_utf8, record.trace)),
        "set": None if record.prediction_set is None else list(record.prediction_set),
        "novelty": None if record.novelty is None else float(record.novelty),
        "warnings": list(map(as_utf8, record.warnings)),
        "evidence": [
            {"label": e.label, "logit": float(e.logit), "bias": float(e.bias), "shape": e.map.shape}
            for e in record.evidence
        ],
        "region": None if box is None else [*map(int, (box.x, box.y, box.width, box.height))],
        "overview": None if overview is None else _overview_facts(overview),
        "attention": None if record.attention is None else float(record.attention),
        "weighted": regions is not None and regions.attention is not None,
    }
    maps = b"".join(np.ascontiguousarray(e.map, np.float32).tobytes() for e in record.evidence)
    return (
        "ok",
        None,
        None,
        None,
        json.dumps(answer),
        _encode_picture(record.preview, lossless),
        maps,
        None if overview is None else _encode_picture(overview.picture, lossless),
        None if overview is None else np.packbits(overview.mask).tobytes(),
        None if regions is None else _pack_regions(regions),
    )


def unpack_record(item: Item, row: tuple[Any, ...]) -> Record:
    """Return the record of an item from its values of ``COLUMNS``."""
    state, stage, plugin, reason, answer, *blobs = row
    if state == "failed":
        return Failed(item, stage, plugin, reason)
    if state == "skipped":
        return Skipped(item, reason)
    return _unpack_prediction(item, json.loads(answer), *blobs)


def _unpack_prediction(
    item: Item,
    answer: dict[str, Any],
    preview: bytes | None,
    maps: bytes,
    picture: bytes | None,
    mask: bytes | None,
    regions: bytes | None,
) -> Prediction:
    evidence, start = [], 0
    for entry in answer["evidence"]:
        size = int(np.prod(entry["shape"]))
        values = np.frombuffer(maps, np.float32, size, start).reshape(entry["shape"])
        start += values.nbytes
        evidence.append(Evidence(entry["label"], values, entry["logit"], entry["bias"]))
    region, facts = answer["region"], answer["overview"]
    layout = len(answer["scores"]), answer.get("weighted", False)  # earlier ledgers have no weights
    return Prediction(
        item=item,
        scores=answer["scores"],
        score_kind=answer["score_kind"],
        predicted=tuple(answer["predicted"]),
        evidence=tuple(evidence),
        preview=_decode_picture(preview),
        samples=answer["samples"],
        trace=tuple(answer["trace"]),
        prediction_set=None if answer["set"] is None else tuple(answer["set"]),
        novelty=answer["novelty"],
        warnings=tuple(answer["warnings"]),
        region=None if region is None else Region(*region),
        overview=None if facts is None else _unpack_overview(facts, picture, mask),
        regions=None if regions is None else _unpack_regions(regions, *layout),
        attention=answer["attention"],
    )


def _overview_facts(overview: Overview) -> dict[str, Any]:
    spacing = overview.spacing_mm
    return {
        "size": [int(each) for each in overview.size],
        "spacing_mm": None if spacing is None else [float(each) for each in spacing],
        "counts": {name: int(count) for name, count in overview.counts.items()},
    }


def _unpack_overview(facts: dict[str, Any], picture: bytes | None, mask: bytes | None) -> Overview:
    pixels = _decode_picture(picture)
    height, width = pixels.shape[:2]
    bits = np.unpackbits(np.frombuffer(mask or b"", np.uint8), count=height * width)
    spacing = facts["spacing_mm"]
    return Overview(
        picture=pixels,
        mask=bits.reshape(height, width).astype(bool),
        size=(facts["size"][0], facts["size"][1]),
        spacing_mm=None if spacing is None else (spacing[0], spacing[1]),
        counts=facts["counts"],
    )


def _pack_regions(regions: Regions) -> bytes:
    boxes = np.ascontiguousarray(regions.boxes, np.int32).tobytes()
    scores = np.ascontiguousarray(regions.scores, np.float32).tobytes()
    if regions.attention is None:
        return boxes + scores
    return boxes + scores + np.ascontiguousarray(regions.attention, np.float32).tobytes()


def _unpack_regions(blob: bytes, labels: int, weighted: bool) -> Regions:
    count = len(blob) // (4 * (4 + labels + weighted))
    boxes = np.frombuffer(blob, np.int32, 4 * count).reshape(count, 4)
    numbers = np.frombuffer(blob, np.float32, offset=boxes.nbytes)
    scores = numbers[: labels * count].reshape(count, labels)
    return Regions(boxes, scores, numbers[labels * count :] if weighted else None)


def _encode_picture(picture: Any, lossless: bool) -> bytes | None:
    if picture is None:
        return None
    from PIL import Image

    buffer = io.BytesIO()
    image = Image.fromarray(picture)
    if lossless:
        image.save(buffer, "PNG")
    else:
        image.save(buffer, "JPEG", quality=_PICTURE_QUALITY)
    return buffer.getvalue()


def _decode_picture(picture: bytes | None) -> Any:
    if picture is None:
        return None
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))
