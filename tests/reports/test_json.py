"""The json report: an answer a line, and the maps that it refers to."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from diascope.reports.json import JsonReport
from diascope.sample import Evidence, Record
from tests.reports.pages import FAILED, RUN, SKIPPED, prediction


def written(directory: Path, *records: Record) -> list[Any]:
    lines, _ = JsonReport().write(RUN, records, directory)
    return [json.loads(line) for line in lines.read_text("utf-8").splitlines()]


def test_a_line_holds_what_the_answer_says_to_the_last_bit(tmp_path: Path) -> None:
    (line,) = written(
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


def test_what_failed_or_was_skipped_and_sets_that_nobody_asked_for_are_left_out(
    tmp_path: Path,
) -> None:
    (line,) = written(tmp_path, FAILED, prediction(evidence=False), SKIPPED)

    assert (line["item"], line["evidence"]) == ("a.png", [])
    assert "prediction_set" not in line


def test_a_reference_leads_to_its_map_to_the_last_bit(tmp_path: Path) -> None:
    cells = np.random.default_rng(0).normal(size=(2, 2, 5, 7)).astype(np.float32)
    maps = [
        tuple(Evidence(label, each, 2.5, 0.1) for label, each in zip("ab", pair, strict=True))
        for pair in cells
    ]
    lines = written(tmp_path, *(replace(prediction(), evidence=one) for one in maps))

    for line, evidence in zip(lines, maps, strict=True):
        for reference, one in zip(line["evidence"], evidence, strict=True):
            kept = np.load(tmp_path / reference["file"])[reference["key"]]
            np.testing.assert_array_equal(kept, one.map)
            told = [reference[name] for name in ("label", "logit", "bias", "residual")]
            assert told == [one.label, one.logit, one.bias, one.residual]
