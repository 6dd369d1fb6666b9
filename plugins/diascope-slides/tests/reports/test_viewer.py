"""The viewer: the content of its files."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from diascope.sample import Item, Overview
from diascope.testing import check_report
from diascope_slides.reports.viewer import ViewerReport
from tests.refusals import refused


def test_the_report_keeps_its_contract(run: Any, answer: Any) -> None:
    assert Path("slides.html") in check_report(ViewerReport(), run, answer())


def test_a_slide_becomes_a_pyramid_of_tiles_without_metadata(
    tmp_path: Path, run: Any, answer: Any
) -> None:
    files = ViewerReport(pixels=400).write(run, [answer(folder=tmp_path)], tmp_path)
    tiles = [path for path in files if path.parent.parent.name == "zoom_files"]
    finest = Image.open(max(tiles, key=lambda path: int(path.parent.name)))

    assert (finest.size, finest.format) == ((400, 300), "JPEG")
    assert not finest.getexif()
    assert np.abs(np.asarray(finest)[10, 10].astype(int) - (200, 30, 60)).max() < 8
    assert not [path for path in files if path.suffix in (".dzi", ".xml")]


def test_a_missing_slide_is_shown_by_its_overview_with_the_reason(
    tmp_path: Path, run: Any, answer: Any
) -> None:
    files = ViewerReport().write(run, [answer()], tmp_path)
    text = (tmp_path / "slides.html").read_text("utf-8")

    assert "Only its overview can be shown: No such file or directory" in text
    assert [path.name for path in files if path.suffix == ".jpg"] == ["overview.jpg"]


@pytest.mark.parametrize("privacy", ["none", "strict"])
def test_with_strict_privacy_the_reason_for_a_missing_slide_names_no_file(
    tmp_path: Path, run: Any, answer: Any, privacy: str
) -> None:
    path = tmp_path / "DOE_JOHN.tif"
    path.write_bytes(b"II*\x00" + bytes(8))
    shown = replace(answer(), item=Item("0123", str(path)))
    ViewerReport().write(run | {"recipe": {"privacy": privacy}}, [shown], tmp_path)
    text = (tmp_path / "slides.html").read_text("utf-8")

    assert "Only its overview can be shown: it " in text
    assert ("DOE_JOHN" in text) == (privacy == "none")


def test_an_assumed_spacing_is_shown(tmp_path: Path, run: Any, answer: Any) -> None:
    trace = ("spacing assumed 0.5 um from the recipe", "level 0, as it is")
    ViewerReport().write(run, [answer(trace=trace)], tmp_path)
    text = (tmp_path / "slides.html").read_text("utf-8")

    assert '"warnings":["spacing assumed 0.5 um from the recipe"]' in text


def test_a_replaced_slide_is_not_shown(tmp_path: Path, run: Any, answer: Any) -> None:
    shown = answer(folder=tmp_path)
    assert shown.overview is not None
    height, width = shown.overview.size
    other = replace(shown.overview, size=(height + 1, width))
    ViewerReport().write(run, [replace(shown, overview=other)], tmp_path)

    assert "its size has changed" in (tmp_path / "slides.html").read_text("utf-8")


def test_another_slide_of_the_same_size_is_not_shown(tmp_path: Path, run: Any, answer: Any) -> None:
    shown = answer(folder=tmp_path)
    ViewerReport().write(run, [replace(shown, item=replace(shown.item, stamp="1:2"))], tmp_path)

    assert "has changed since it was found" in (tmp_path / "slides.html").read_text("utf-8")


@pytest.mark.parametrize("kept", [True, False], ids=["with its pyramid", "with its overview"])
def test_heat_map_and_mask_match_the_slide_down_to_the_bottom_of_a_narrow_one(
    tmp_path: Path, run: Any, answer: Any, kept: bool
) -> None:
    height, width, foot = 9000, 130, 8800
    Image.new("RGB", (width, height)).save(tmp_path / "a.png")
    item = Item("a", str(tmp_path / ("a.png" if kept else "gone.png")))
    small = np.zeros((1024, 15, 3), np.uint8)
    mask = np.arange(1024)[:, None].repeat(15, axis=1) >= round(foot / height * 1024)
    overview = Overview(small, mask, (height, width))
    boxes = np.array([(0, foot, width, 100)] * 3, np.int32)
    shown = answer()
    regions = replace(shown.regions, boxes=boxes)
    ViewerReport(pixels=3000).write(
        run, [replace(shown, item=item, overview=overview, regions=regions)], tmp_path
    )
    (text,) = re.findall(r'class="slide">(.*)</script>', (tmp_path / "slides.html").read_text())
    slide = json.loads(text)
    pyramid = slide["pyramid"] or {"height": 1024, "width": 15}
    expected = foot / height * pyramid["height"] / pyramid["width"]  # in widths of the slide
    for layer, empty, reach in ((slide["heats"]["tumour"], 255, 1), (slide["tissue"], 0, 2)):
        picture = np.asarray(Image.open(tmp_path / layer["url"]))
        rows = np.flatnonzero((picture != empty).any(axis=1))
        cell = layer["width"] / picture.shape[1]
        assert abs(rows[0] * cell - expected) <= reach * cell


def test_too_few_pixels_are_refused() -> None:
    message = refused(ViewerReport, {"pixels": 100})

    assert message == "pixels must be a whole number of at least 256, got 100"
