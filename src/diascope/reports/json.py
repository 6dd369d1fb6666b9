"""The JSON report: ``predictions.jsonl``, one document per line, and maps in ``evidence.npz``."""

import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from diascope.sample import Prediction, Record

_EVIDENCE = "evidence.npz"
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class JsonReport:
    """``predictions.jsonl``: the same records as ``predictions.csv``, with evidence references.

    ``numpy.load("evidence.npz")[reference["key"]]`` is the map ``(h, w)``, float32, signed.
    """

    api: ClassVar = (1, 0)

    def write(
        self, run: Mapping[str, Any], records: Iterable[Record], directory: Path
    ) -> Sequence[Path]:
        predictions, evidence = directory / "predictions.jsonl", directory / _EVIDENCE
        with (
            predictions.open("w", encoding="utf-8", newline="\n") as lines,
            zipfile.ZipFile(evidence, "w", zipfile.ZIP_DEFLATED) as maps,
        ):
            for place, record in enumerate(records):
                if isinstance(record, Prediction):
                    document = _document(record, place, maps)
                    lines.write(json.dumps(document, ensure_ascii=False) + "\n")
        return predictions, evidence


def _document(prediction: Prediction, place: int, maps: zipfile.ZipFile) -> dict[str, Any]:
    prediction_set = prediction.prediction_set
    references = []
    for evidence in prediction.evidence:
        key = f"{place}/{evidence.label}"
        buffer = io.BytesIO()
        np.save(buffer, evidence.map, allow_pickle=False)
        maps.writestr(zipfile.ZipInfo(f"{key}.npy", _EPOCH), buffer.getvalue())
        references.append(
            {
                "label": evidence.label,
                "logit": evidence.logit,
                "bias": evidence.bias,
                "residual": evidence.residual,
                "file": _EVIDENCE,
                "key": key,
            }
        )
    return {
        "item": prediction.item.id,
        "predicted": list(prediction.predicted),
        "score_kind": prediction.score_kind,
        "scores": dict(prediction.scores),
        "samples": prediction.samples,
        "novelty": prediction.novelty,
        "out_of_distribution": prediction.out_of_distribution,
        "warnings": list(prediction.warnings),
        **({} if prediction_set is None else {"prediction_set": prediction_set}),
        "evidence": references,
        "trace": list(prediction.trace),
    }
