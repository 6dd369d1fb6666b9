"""The html report of items that were read in regions, in the file and in Chromium."""

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from diascope.sample import Overview, Prediction, Region, Regions
from tests.reports.pages import Page as Data
from tests.reports.pages import prediction, write

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BOXES = np.array([(0, 0, 200, 200), (600, 400, 200, 200)], np.int32)
BRIGHT = np.array([0.2, 0.9], np.float32)


def whole(**fields: Any) -> Prediction:
    """Return the answer for a picture of 600 x 800 pixels that was read in two regions."""
    mask = np.zeros((60, 80), np.bool_)
    mask[:, 40:] = True
    counts = {"places": 48, "found": 2, "used": 2}
    overview = Overview(np.full((60, 80, 3), 200, np.uint8), mask, (600, 800), None, counts)
    scores = np.stack([1 - BRIGHT, BRIGHT], axis=1)
    given: dict[str, Any] = {
        "samples": 2,
        "region": Region(600, 400, 200, 200),
        "overview": overview,
        "regions": Regions(BOXES, scores),
    }
    return prediction(**(given | fields))


def record(directory: Path, shown: Prediction) -> Any:
    return Data(write([shown], directory).read_text("utf-8")).records[0]["whole"]


def pixels(text: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA"))


def test_every_label_has_a_heat_map_only_where_there_are_regions(tmp_path: Path) -> None:
    heats = record(tmp_path, whole())["heats"]
    opaque = pixels(heats["bright"]["png"])[..., 3] > 0

    assert list(heats) == ["dark", "bright"]
    assert heats["bright"]["limits"] == [0, 1]
    assert np.argwhere(opaque).min(axis=0).tolist() == [0, 0]
    assert opaque.mean() == pytest.approx(2 * 200 * 200 / (600 * 800), abs=0.01)


def test_the_mask_covers_the_area_that_was_not_classified(tmp_path: Path) -> None:
    content = base64.b64decode(record(tmp_path, whole())["outside"])
    with Image.open(io.BytesIO(content)) as image:  # Pillow before 12.1 makes no alpha of it
        white = np.asarray(image)

    assert image.info["transparency"] in (1, 255)  # white is clear; 1 in Pillow before 12.1
    assert not white[:, :40].any()
    assert white[:, 40:].all()


def test_the_region_is_given_as_fractions_of_the_picture(tmp_path: Path) -> None:
    assert record(tmp_path, whole())["region"] == [0.75, 0.666667, 0.25, 0.333333]
    assert record(tmp_path, whole(region=None))["region"] is None
    assert record(tmp_path, whole(preview=None, evidence=()))["region"] is None


def test_a_picture_that_was_read_as_one_has_no_whole_picture_data(tmp_path: Path) -> None:
    assert record(tmp_path, prediction()) is None


def test_many_large_items_fit_into_the_page(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (800, 1000, 3), dtype=np.uint8)
    large = Overview(noise, noise[..., 0] > 100, (8000, 10_000))
    one = whole(overview=large, preview=noise)
    items = write([one] * 20, tmp_path, counts={"found": 2000}).stat().st_size
    empty = write([], tmp_path).stat().st_size

    assert (items - empty) * 100 < 60e6


def test_the_detail_shows_picture_mask_and_the_heat_map_of_the_chosen_label(
    browser: "Browser", tmp_path: Path
) -> None:
    faults: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(write([whole(), prediction()], tmp_path).as_uri())
    assert page.locator(".card .heat").count() == 1
    page.locator(".card .open").first.click()
    detail = page.locator("#detail")
    assert "48 places, 2 found, 2 used" in detail.inner_text()
    assert "2 regions" in detail.inner_text()
    assert detail.locator(".outside, .mark").count() == 2
    first = detail.locator(".heat").get_attribute("src")
    choice = detail.get_by_label("Heat map of")
    choice.select_option("dark")
    assert detail.locator(".heat").get_attribute("src") != first
    assert "score of each region: Rather dark" in detail.inner_text()
    choice.press("ArrowRight")

    assert page.locator("#detail-title").inner_text() == "a.png"
    assert detail.locator(".heat").count() == 1
    assert faults == []


def test_a_whole_picture_is_not_shown_as_the_network_saw_it(tmp_path: Path) -> None:
    (totals,) = Data(write([whole(), prediction()], tmp_path).read_text("utf-8")).blocks["totals"]

    assert totals["prepared"] == 1
