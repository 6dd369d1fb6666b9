"""Slides whose scanner states the bounds of the scanned region are cropped to it, as in QuPath."""

import json
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from openslide import OpenSlide

from diascope.sample import Item, Prediction, Regions
from diascope_slides.backends.openslide import OpenSlideSlide
from diascope_slides.reader import SlideReader
from diascope_slides.reports.geojson import GeoJsonReport

CANVAS, PLACE, SIZE = (1200, 1000), (332, 212), (448, 320)
NOISE = np.random.default_rng(1).integers(0, 256, (320, 448, 3), dtype=np.uint8)
LABELS = [{"name": "tumour", "title": "Tumour", "operating_point": 0.5}]
RUN: dict[str, Any] = {"card": {"name": "tiles", "task": "multilabel", "labels": LABELS}}


@pytest.fixture
def scanned(make_scn: Callable[..., Item]) -> Item:
    """Tissue on a third of the scanned region: from x=192, y=128 of the bounds to their end."""
    pixels = np.full((320, 448, 3), 245, np.uint8)
    pixels[128:, 192:] = (200, 90, 160)
    return make_scn(pixels, canvas=CANVAS, place=PLACE)


def test_a_slide_has_the_size_of_its_bounds_and_their_pixels(make_scn: Callable[..., Item]) -> None:
    item = make_scn(NOISE, canvas=CANVAS, place=PLACE)
    slide, canvas = OpenSlideSlide(Path(item.uri)), OpenSlide(item.uri)

    assert canvas.dimensions == CANVAS
    assert [(level.width, level.height) for level in slide.levels] == [SIZE, (112, 80)]
    assert [level.downsample for level in slide.levels] == [(1, 1), (4, 4)]
    assert np.array_equal(slide.region(0, 7, 9, 441, 311), NOISE[9:, 7:])
    for level, factor in enumerate((1, 4)):
        there = PLACE[0] + 7 * factor, PLACE[1] + 9 * factor
        whole = canvas.read_region(there, level, (60, 50)).convert("RGB")
        assert np.array_equal(slide.region(level, 7, 9, 60, 50), np.asarray(whole))


def test_the_overview_shows_the_bounds_and_the_trace_states_them(scanned: Item) -> None:
    first, *_ = SlideReader(tile=64).read(scanned)

    assert first.trace[0] == "cut to its bounds, 448x320 of 1200x1000 pixels from x=332, y=212"
    assert first.overview is not None
    assert first.overview.size == (320, 448)
    assert first.overview.mask.mean() == pytest.approx(0.34, abs=0.02)


def test_tile_positions_are_relative_to_the_origin_of_qupath(scanned: Item, tmp_path: Path) -> None:
    samples = list(SlideReader(tile=64, tissue=0.5).read(scanned))
    boxes = np.array([astuple(sample.region) for sample in samples], np.int32)
    regions = Regions(boxes, np.ones((len(boxes), 1), np.float32))
    answer = Prediction(
        scanned,
        {"tumour": 1.0},
        "probability",
        predicted=("tumour",),
        samples=len(boxes),
        overview=samples[0].overview,
        regions=regions,
    )
    (path,) = GeoJsonReport().write(RUN, [answer], tmp_path)
    first, *_ = json.loads(path.read_text("utf-8"))["features"]

    assert shapely.from_geojson(json.dumps(first["geometry"])).bounds == (192, 128, 256, 192)


def test_a_canvas_without_bounds_is_the_slide(real_slide: Callable[[str], Item]) -> None:
    slide = OpenSlideSlide(Path(real_slide("CMU-1-Small-Region.svs").uri))

    assert (slide.levels[0].width, slide.levels[0].height) == (2220, 2967)
    assert slide.notes == ()
