"""The viewer in Chromium: what it shows, and how it is operated."""

import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from diascope.sample import Overview
from diascope_slides.reports.viewer import ViewerReport
from tests.browser import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Open = Callable[..., "Page"]
SIZE = (600, 800)
HOSTILE = "</script><img src=x onerror=alert(1)>'\"&amp; 皮.tif"
# places as shares of the slide
AT = {"tile": (0.05, 0.08), "beside": (0.25, 0.6), "glass": (0.8, 0.2)}


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def opened(browser: "Browser", run: Any, answer: Any, plain: Any, tmp_path: Path) -> Iterator[Open]:
    """Return a function that writes and opens a viewer; fails on any error or foreign request."""
    faults: list[str] = []
    pages: list[Page] = []

    def note(request: Any) -> None:
        if not request.url.startswith(("file:", "data:")):
            faults.append(request.url)

    def open_page(*records: Any, width: int = 1280) -> "Page":
        given = records or (answer(folder=tmp_path), answer("two.tif"), plain)
        ViewerReport().write(run, given, tmp_path)
        page = browser.new_page(viewport={"width": width, "height": 860}, reduced_motion="reduce")
        pages.append(page)
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", note)
        page.on("requestfailed", lambda request: faults.append(request.url))
        page.goto((tmp_path / "slides.html").as_uri())
        return page

    yield open_page
    for page in pages:
        page.close()
    assert faults == []


def stage(page: "Page") -> np.ndarray:
    """Return the pixels of the stage, once all motion has ended."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(700)
    shot = page.locator("#stage").screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))


def colour(page: "Page", place: str) -> np.ndarray:
    """Return the colour on the screen at a position of the slide."""
    image = stage(page)
    high, wide = image.shape[:2]
    scale = min(high / SIZE[0], wide / SIZE[1])
    left, top = (wide - SIZE[1] * scale) / 2, (high - SIZE[0] * scale) / 2
    across, down = AT[place]
    row, column = top + down * SIZE[0] * scale, left + across * SIZE[1] * scale
    return image[int(row), int(column)].astype(int)


def test_the_slide_is_shown_and_the_heat_map_can_be_switched_off(opened: Open) -> None:
    page = opened()
    red = np.array((200, 30, 60))
    assert np.abs(colour(page, "beside") - red).max() < 12
    assert np.abs(colour(page, "tile") - red).max() > 60
    page.get_by_label("Show over the slide").uncheck()

    assert np.abs(colour(page, "tile") - red).max() < 12


def test_opacity_and_label_change_the_map(opened: Open) -> None:
    page = opened()
    before = colour(page, "tile")
    page.get_by_label("Opacity").fill("1")
    full = colour(page, "tile")
    assert np.abs(full - before).max() > 20
    page.get_by_label("Label").select_option("benign")

    assert np.abs(colour(page, "tile") - full).max() > 40
    assert "Score of each tile for Benign" in page.locator("#legend").inner_text()


def test_what_is_not_tissue_can_be_darkened(opened: Open) -> None:
    page = opened()
    assert colour(page, "glass").min() > 240
    page.get_by_label("Darken what is not tissue").check()

    assert colour(page, "glass").max() < 80
    assert np.abs(colour(page, "beside") - (200, 30, 60)).max() < 12
    page.locator("#next").click()
    assert colour(page, "glass").max() < 80


@pytest.mark.parametrize("kept", [True, False], ids=["with its pyramid", "with its overview"])
def test_a_slide_whose_pixels_are_not_square_has_its_true_proportions(
    opened: Open, answer: Any, tmp_path: Path, kept: bool
) -> None:
    shown = answer(folder=tmp_path if kept else None)
    flat = replace(shown.overview, spacing_mm=(0.00025, 0.0005))  # 400 x 150 um
    page = opened(replace(shown, overview=flat))

    assert "0.500 \N{MULTIPLICATION SIGN} 0.250 μm" in page.locator("#facts").inner_text()
    image = stage(page)
    rows, columns = np.nonzero(image.min(axis=2) > 240)  # the right half of the slide is white
    high, wide = np.ptp(rows[columns > image.shape[1] // 2]), image.shape[1]
    assert high / wide == pytest.approx(150 / 400, rel=0.05)


def test_answer_counts_scale_and_operating_point_are_shown(opened: Open) -> None:
    page = opened()
    panel = page.locator(".panel").inner_text()

    assert page.locator(".decision").inner_text() == "Tumour"
    assert all(
        told in panel
        for told in ("With tissue", "24", "800 \N{MULTIPLICATION SIGN} 600 px", "0.500 μm")
    )
    assert "Mark: operating point 0.400" in panel
    page.wait_for_function("document.getElementById('scale-text').textContent.includes('μm')")


def test_the_operating_point_of_tiles_is_not_shown_for_a_share(opened: Open, answer: Any) -> None:
    page = opened(replace(answer(), score_kind="share"))

    assert page.locator(".scores .point").count() == 0
    assert page.locator(".legend .point").count() == 1
    assert "of the whole slide; share of its tiles" in page.locator(".panel").inner_text()


@pytest.mark.parametrize(
    ("kind", "told"), [("share", [">0.999", "<0.001"]), ("logit", ["1.000", "0.000"])]
)
def test_a_share_of_all_tiles_but_one_is_not_shown_as_1(
    opened: Open, answer: Any, kind: str, told: list[str]
) -> None:
    page = opened(replace(answer(), score_kind=kind, scores={"benign": 3e-4, "tumour": 0.9997}))

    assert page.locator(".scores .value").all_inner_texts() == told


def test_the_next_slide_is_chosen_by_keyboard(opened: Open) -> None:
    page = opened()
    page.locator("#next").focus()
    page.keyboard.press("Enter")

    assert page.locator(".name").inner_text() == "two.tif"
    assert "Only its overview" in page.locator(".warning").inner_text()


def test_each_slide_shows_its_own_label_until_one_is_chosen(opened: Open, answer: Any) -> None:
    page = opened(answer(), replace(answer("two.tif"), predicted=("benign",)), answer("three.tif"))
    told = []
    for number in range(3):
        page.wait_for_function("document.getElementById('legend').innerText.includes('tile for')")
        told.append(page.get_by_label("Label").input_value())
        if number == 1:
            page.get_by_label("Label").select_option("benign")
        if number < 2:
            page.locator("#next").click()
    assert told == ["tumour", "benign", "benign"]


def test_keys_zoom_on_the_slide(opened: Open) -> None:
    page = opened()
    micrometres = "() => parseFloat(document.getElementById('scale-text').textContent)"
    page.wait_for_function(f"{micrometres} === 50")
    page.locator(".openseadragon-canvas").first.focus()
    keys = {"+": "< 50", "-": ">= 50", "NumpadAdd": "< 50", "NumpadSubtract": ">= 50"}
    for key, reached in keys.items():
        page.keyboard.down(key)  # it zooms as long as it is held
        page.wait_for_function(f"{micrometres} {reached}")
        page.keyboard.up(key)


def test_a_page_without_its_pictures_states_what_is_missing(
    browser: "Browser", run: Any, answer: Any, tmp_path: Path
) -> None:
    ViewerReport().write(run, [answer(folder=tmp_path)], tmp_path)
    shutil.rmtree(tmp_path / "slides")
    page = browser.new_page()
    page.goto((tmp_path / "slides.html").as_uri())
    page.get_by_text("unpack an archive before you open the page").wait_for()
    page.close()


def test_a_hostile_name_is_shown_and_not_executed(opened: Open, answer: Any) -> None:
    page = opened(answer(HOSTILE))

    assert page.locator(".name").inner_text() == HOSTILE
    assert page.locator("img[src=x]").count() == 0


def test_a_run_without_slides_says_so(opened: Open, plain: Any) -> None:
    page = opened(plain)

    assert page.locator("#empty").is_visible()
    assert not page.locator("#main").is_visible()


def test_a_slide_without_spacing_has_a_scale_in_pixels(opened: Open, answer: Any) -> None:
    shown = answer()
    assert isinstance(shown.overview, Overview)
    page = opened(replace(shown, overview=replace(shown.overview, spacing_mm=None)))

    page.wait_for_function("document.getElementById('scale-text').textContent.includes('px of')")


def test_on_a_phone_the_page_does_not_scroll_sideways(opened: Open, answer: Any) -> None:
    page = opened(answer("x" * 300), width=390)

    assert page.evaluate("document.documentElement.scrollWidth") == 390
