"""The html report: the contents of the file."""

import base64
import gc
import io
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diascope.reports.html import HtmlReport
from diascope.sample import Evidence, Prediction, Record
from tests.refusals import refused
from tests.reports.pages import FAILED, HOSTILE, RUN, SKIPPED, Page, many, prediction, write


def read(path: Path) -> Page:
    return Page(path.read_text("utf-8"))


def test_the_file_refers_to_nothing_outside_itself(tmp_path: Path) -> None:
    text = write([prediction(), FAILED, SKIPPED], tmp_path).read_text("utf-8")

    assert not any(sign in text for sign in ("http:", "https:", "//cdn", "@import", "url("))
    assert not {"link", "iframe", "object", "base"} & set(Page(text).tags)


def test_the_policy_forbids_everything_but_the_pages_own_parts(tmp_path: Path) -> None:
    policy = read(write([prediction()], tmp_path)).policy

    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert policy.count("'sha256-") == 2


def test_a_hostile_item_name_stays_text(tmp_path: Path) -> None:
    page = read(write([prediction(HOSTILE), replace(FAILED, reason=HOSTILE)], tmp_path))

    assert page.index[0][1] == HOSTILE
    assert page.records[1]["reason"] == HOSTILE
    assert page.tags == read(write([prediction(), FAILED], tmp_path)).tags


def test_a_name_that_is_not_unicode_can_be_written(tmp_path: Path) -> None:
    assert read(write([prediction("caf\udce9.png")], tmp_path)).index[0][1] == "caf\udce9.png"


def test_items_are_in_the_order_in_which_they_were_found(tmp_path: Path) -> None:
    page = read(write(list(many(450)), tmp_path))

    assert [row[1] for row in page.index] == [f"item-{index}.png" for index in range(450)]
    assert [len(block) for block in page.blocks["records"]] == [200, 200, 50]
    assert [len(block) for block in page.blocks["index"]] == [200, 200, 50]


def test_failures_and_skipped_items_keep_their_reasons(tmp_path: Path) -> None:
    page = read(write([FAILED, SKIPPED], tmp_path))

    assert [row[0] for row in page.index] == ["failed", "skipped"]
    assert page.records == [
        {"stage": "read", "plugin": "image", "reason": "the file is truncated"},
        {"reason": "no reader knows this content"},
    ]


def test_labels_and_states_are_counted(tmp_path: Path) -> None:
    undecided = prediction(predicted=())
    odd = prediction(novelty=1.5, warnings=("unlike the others",))
    records = [odd, prediction(bright=0.2), prediction(novelty=0.9), undecided, FAILED]
    (totals,) = read(write(records, tmp_path)).blocks["totals"]

    assert totals["labels"] == {"bright": 2, "dark": 1}
    assert (totals["without"], totals["unlike"], totals["warned"]) == (1, 1, 1)
    assert totals["states"] == {"ok": 4, "failed": 1}


def test_the_residual_is_that_of_the_map_before_quantisation(tmp_path: Path) -> None:
    cells = np.random.default_rng(0).normal(size=(7, 7)).astype(np.float32)
    evidence = Evidence("bright", cells, logit=2.5, bias=0.1)
    (record,) = read(write([replace(prediction(), evidence=(evidence,))], tmp_path)).records

    assert record["evidence"][0]["residual"] == evidence.residual > 0


def test_a_map_is_stored_to_within_half_a_percent(tmp_path: Path) -> None:
    cells = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    shown = replace(prediction(), evidence=(Evidence("bright", cells, 0.0, 0.0),))
    (kept,) = read(write([shown], tmp_path)).records[0]["evidence"]
    steps = np.frombuffer(base64.b64decode(kept["cells"]), np.int8).reshape(kept["shape"])

    assert np.abs(steps * kept["scale"] - cells).max() <= np.abs(cells).max() / 200


def test_a_map_of_zeros_is_stored_as_zeros(tmp_path: Path) -> None:
    flat = Evidence("bright", np.zeros((5, 5), np.float32), 0.0, 0.0)
    (kept,) = read(write([replace(prediction(), evidence=(flat,))], tmp_path)).records[0][
        "evidence"
    ]

    assert base64.b64decode(kept["cells"]) == bytes(25)


def test_a_picture_keeps_its_proportions(tmp_path: Path) -> None:
    wide = replace(prediction(), preview=np.zeros((400, 800, 3), np.uint8))
    (record,) = read(write([wide], tmp_path)).records
    image = Image.open(io.BytesIO(base64.b64decode(record["picture"])))

    assert image.size == (320, 160)
    assert record["shape"] == [400, 800]


def test_items_without_picture_and_evidence_are_written(tmp_path: Path) -> None:
    (record,) = read(write([prediction(evidence=False)], tmp_path)).records

    assert record["picture"] is None
    assert record["evidence"] == []
    assert record["scores"] == {"dark": 0.3, "bright": 0.7}


def test_a_value_close_to_1_is_not_rounded_to_1(tmp_path: Path) -> None:
    nearly = prediction(bright=1 - 1e-9, novelty=1 + 1e-9)
    page = read(write([nearly, prediction(bright=1.0)], tmp_path))
    _, _, _, top, _, novelty, _ = page.index[0]

    assert page.records[0]["scores"]["bright"] < 1
    assert top < 1 < novelty
    assert page.records[1]["scores"]["bright"] == 1


def test_pictures_of_ten_thousand_items_fit_even_if_they_are_noise(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    records = [replace(prediction(), preview=noise)] * 100
    many_items = write(records, tmp_path, counts={"found": 10_000}).stat().st_size
    no_item = write([], tmp_path).stat().st_size

    assert 1e6 < (many_items - no_item) * 100 < 60e6


def test_a_run_with_nothing_in_it_still_makes_a_page(tmp_path: Path) -> None:
    (path,) = HtmlReport().write({}, [], tmp_path)

    assert read(path).blocks == {
        "run": [{}],
        "notes": [{"compared": "", "coverage": None, "sets_measured": False}],
        "totals": [
            {"states": {}, "labels": {}, "without": 0, "unlike": 0, "warned": 0, "prepared": 0}
        ],
    }


def test_nan_becomes_null(tmp_path: Path) -> None:
    records = [prediction(bright=float("nan"))]
    page = read(write(records, tmp_path, timings={"seconds": float("inf")}))

    assert page.records[0]["scores"] == {"dark": None, "bright": None}
    assert page.blocks["run"][0]["timings"] == {"seconds": None}


def test_no_record_outlives_its_writing(tmp_path: Path) -> None:
    alive: list[weakref.ref[np.ndarray]] = []
    most = 0

    class Records:
        def __iter__(self) -> Iterator[Record]:
            nonlocal most
            for index in range(500):
                preview = np.zeros((8, 8, 3), np.uint8)
                alive.append(weakref.ref(preview))
                yield prediction(f"{index}.png", preview=preview)
                del preview
                gc.collect(0)
                most = max(most, sum(reference() is not None for reference in alive))

    write(Records(), tmp_path)

    assert len(alive) == 500
    assert most <= 3


def test_the_first_item_is_on_disk_before_the_last_is_read(tmp_path: Path) -> None:
    sizes = []

    class Records:
        def __iter__(self) -> Iterator[Record]:
            for one in many(1000):
                yield one
                sizes.append((tmp_path / "report.html").stat().st_size)

    write(Records(), tmp_path)

    assert 0 < sizes[0] < sizes[500] < sizes[-1]


def test_a_gallery_at_its_limit_still_counts_all_items(tmp_path: Path) -> None:
    (path,) = HtmlReport(items=10).write(RUN, many(25), tmp_path)
    page = read(path)

    assert len(page.index) == 10
    assert page.blocks["totals"][0]["states"] == {"ok": 25}


def test_the_page_says_once_that_it_is_not_a_medical_device(tmp_path: Path) -> None:
    text = write([prediction()], tmp_path).read_text("utf-8")

    assert text.count("Not a medical device. For research only.") == 1


@pytest.mark.parametrize("wrong", [{"file": "../a.html"}, {"items": 0}, {"megabytes": 0}])
def test_parameters_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    assert refused(HtmlReport, wrong).startswith(f"{next(iter(wrong))} must be ")


def doubt(shown: Prediction, directory: Path, task: str = "multiclass") -> float:
    (row,) = read(write([shown], directory, card={"task": task})).index
    return float(row[4])


def test_equal_scores_are_most_uncertain_and_one_high_score_hardly(tmp_path: Path) -> None:
    assert doubt(prediction(bright=0.5), tmp_path) == 1
    assert doubt(prediction(bright=0.999), tmp_path) < 0.02


def test_multilabel_scores_are_as_uncertain_as_their_most_uncertain_label(tmp_path: Path) -> None:
    sure = replace(prediction(kind="sigmoid"), scores={"dark": 0.99, "bright": 0.99})
    torn = replace(sure, scores={"dark": 0.99, "bright": 0.5})

    assert doubt(sure, tmp_path, "multilabel") < 0.1
    assert doubt(torn, tmp_path, "multilabel") == 1


def test_uncertainty_of_logits_is_that_of_their_probabilities(tmp_path: Path) -> None:
    torn = replace(prediction(kind="logit"), scores={"dark": -3.0, "bright": -3.0})

    assert doubt(torn, tmp_path) == 1
    assert doubt(replace(torn, scores={"dark": -3.0, "bright": 9.0}), tmp_path) < 0.01
