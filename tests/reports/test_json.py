"""The json report: one line per prediction, and the maps it refers to."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from diascope.reports.json import JsonReport
from diascope.sample import Evidence, Record
from tests.reports.pages import FAILED, RUN, SKIPPED, prediction


def write_and_read(directory: Path, *records: Record) -> list[Any]:
    lines, _ = JsonReport().write(RUN, records, directory)
    return [json.loads(line) for line in lines.read_text("utf-8").splitlines()]


def test_a_line_has_the_exact_values_of_a_prediction(tmp_path: Path) -> None:
    (line,) = write_and_read(
        tmp_path,
        prediction(
            "皮.png", 0.1 + 0.2, novelty=1.5, prediction_set=("dark", "bright"), warnings=("odd",)
        ),
    )

    del line["evidence"]
    assert line == {
        "item": "皮.png",
        "predicted": ["dark"],
        "score_kind": "softmax",
        "scores": {"dark": 1 - (0.1 + 0.2), "bright": 0.1 + 0.2},
        "samples": 1,
        "novelty": 1.5,
        "out_of_distribution": True,
        "warnings": ["odd"],
        "prediction_set": ["dark", "bright"],
        "trace": ["spacing assumed 0.5 um from the recipe"],
    }


def test_failed_and_skipped_items_and_unrequested_prediction_sets_are_left_out(
    tmp_path: Path,
) -> None:
    (line,) = write_and_read(tmp_path, FAILED, prediction(evidence=False), SKIPPED)

    assert (line["item"], line["evidence"]) == ("a.png", [])
    assert "prediction_set" not in line


def test_a_reference_leads_to_its_exact_map(tmp_path: Path) -> None:
    cells = np.random.default_rng(0).normal(size=(2, 2, 5, 7)).astype(np.float32)
    maps = [
        tuple(Evidence(label, each, 2.5, 0.1) for label, each in zip("ab", pair, strict=True))
        for pair in cells
    ]
    lines = write_and_read(tmp_path, *(replace(prediction(), evidence=one) for one in maps))

    for line, evidence in zip(lines, maps, strict=True):
        for reference, one in zip(line["evidence"], evidence, strict=True):
            kept = np.load(tmp_path / reference["file"])[reference["key"]]
            np.testing.assert_array_equal(kept, one.map)
            told = [reference[name] for name in ("label", "logit", "bias", "residual")]
            assert told == [one.label, one.logit, one.bias, one.residual]
