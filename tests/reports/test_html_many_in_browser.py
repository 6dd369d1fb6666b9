"""The html report of many items and many labels, in Chromium."""

import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.reports.pages import CARD, FAILED, SKIPPED, prediction

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]

TURNED = ("the picture is mirrored",)


def names(page: "Page") -> list[str]:
    return page.locator("#cards .open").all_inner_texts()


def test_items_with_a_warning_are_counted_and_found_whatever_the_filter_was(
    opened: Open,
) -> None:
    unlike = prediction("odd.png", novelty=1.5, warnings=("unlike the pictures of the training",))
    mirrored = prediction("mirrored.png", warnings=TURNED)
    page = opened([unlike, mirrored, prediction("b.png", 0.2)], warnings=[])
    told = page.locator("#warnings")
    assert "1 item is unlike the pictures that the model was trained on." in told.inner_text()
    assert "2 items carry a warning." in told.inner_text()
    page.fill("[name=search]", "b.png")
    page.select_option("[name=label]", "dark")
    told.get_by_role("button").last.click()
    assert names(page) == ["odd.png", "mirrored.png"]


def test_unlike_items_are_not_reported_again_as_items_with_a_warning(opened: Open) -> None:
    unlike = prediction("odd.png", novelty=1.5, warnings=("unlike the pictures of the training",))
    page = opened([unlike, prediction("b.png")], warnings=[])
    assert "carry" not in page.locator("#warnings").inner_text()
    assert "With a warning" in page.locator("[name=state]").inner_text()


def test_a_run_that_stopped_early_says_why_and_how_many_items_are_left(opened: Open) -> None:
    counts = {"found": 1500, "ok": 1, "failed": 0, "skipped": 0, "pending": 1499}
    stopped = "2 items failed, 1 is allowed"
    page = opened([prediction()], counts=counts, stopped=stopped, warnings=[])
    told = page.locator("#warnings").inner_text()
    assert f"Stopped early with 1,499 items not processed: {stopped}" in told


def test_a_filter_that_only_items_beyond_the_gallery_match_finds_nothing(opened: Open) -> None:
    later = prediction("b.png", 0.1, warnings=TURNED)
    page = opened([prediction("a.png"), later], items=1, warnings=[])
    page.locator("#warnings").get_by_role("button").click()
    assert names(page) == []
    page.select_option("[name=state]", "")
    page.locator("[data-label=dark]").click()
    assert names(page) == []


@pytest.mark.parametrize(("items", "told"), [(1, "0 of 2 are listed"), (2, "1 of 2 are listed")])
def test_failures_beyond_the_gallery_are_mentioned(opened: Open, items: int, told: str) -> None:
    page = opened([prediction(), FAILED, SKIPPED], items=items)
    assert told in page.locator("#unfinished").inner_text()


def test_the_bar_of_a_label_that_was_never_predicted_finds_no_item(opened: Open) -> None:
    page = opened([prediction("a.png")])
    bar = page.locator("[data-label=dark]")
    bar.click()
    assert (names(page), bar.get_attribute("aria-pressed")) == ([], "true")
    assert page.locator("#status").inner_text() == "No item matches"


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
def test_a_name_with_accents_is_found_however_they_are_written(
    opened: Open, stored: str, typed: str
) -> None:
    name = unicodedata.normalize(stored, "Müller.png")  # type: ignore[arg-type]
    page = opened([prediction(name), prediction("b.png")])
    page.fill("[name=search]", unicodedata.normalize(typed, "müller"))  # type: ignore[arg-type]
    assert names(page) == [name]


def test_with_forty_labels_the_items_begin_near_the_top_and_all_figures_are_visible(
    opened: Open,
) -> None:
    labels = [{"name": f"finding {number}", "title": ""} for number in range(40)]
    areas = {f"auc_finding {number}": {"value": 0.5} for number in range(40)}
    metrics = {**CARD["metrics"], **areas}  # type: ignore[dict-item]
    page = opened([prediction()], card=CARD | {"labels": labels, "metrics": metrics})
    gallery = page.locator("#gallery").bounding_box()
    assert gallery is not None
    assert gallery["y"] < 1700
    area = page.locator("#model").get_by_text("finding 39")
    assert not area.is_visible()
    page.get_by_text("Each of 40 labels").click()
    assert area.is_visible()


def test_a_label_named_like_the_end_of_a_metric_does_not_hide_that_metric(opened: Open) -> None:
    labels = [{"name": "80", "title": ""}, {"name": "accuracy", "title": ""}]
    named = ("balanced_accuracy", "sensitivity_at_specificity_80", "sensitivity_80")
    metrics = {name: {"value": 0.5} for name in named}
    page = opened([prediction()], card=CARD | {"labels": labels, "metrics": metrics})
    whole, each = page.locator(".metrics").all()
    shown = whole.locator("tbody th").all_inner_texts()
    assert shown == ["Balanced accuracy", "Sensitivity at specificity 0.80"]
    assert each.locator("tbody th").all_inner_texts() == ["80"]


@pytest.mark.parametrize(
    ("seconds", "told"), [(119.7, "2 min 0 s"), (3599.7, "1 h 0 min"), (150.2, "2 min 30 s")]
)
def test_the_duration_of_a_long_run_is_in_minutes(opened: Open, seconds: float, told: str) -> None:
    page = opened([prediction()], timings={"seconds": seconds})
    assert page.locator("#when").inner_text().endswith(f" · {told}")


def test_the_chosen_label_prints_light_even_in_dark_mode(opened: Open) -> None:
    page = opened([prediction()])
    bar = page.locator("[data-label]").first
    bar.click()
    page.emulate_media(media="print", color_scheme="dark")

    ground = bar.evaluate("bar => getComputedStyle(bar).backgroundColor")
    assert ground == "rgb(220, 236, 238)"
