"""The html report in Chromium, with mouse and keyboard."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from diascope.sample import Evidence, Prediction
from tests.reports.pages import CARD, FAILED, HOSTILE, RECORDS, many, prediction

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]


def names(page: "Page") -> list[str]:
    return page.locator(".card h3").all_inner_texts()


def test_the_page_loads_without_errors_and_without_the_network(opened: Open) -> None:
    page = opened()

    assert page.title() == "Dark or bright \u2013 diascope"
    assert page.locator("#status").inner_text() == "6 items"
    assert page.locator("#figures dd").all_inner_texts() == ["6", "4", "1", "1"]


def test_a_hostile_name_is_shown_and_not_run(opened: Open) -> None:
    page = opened()

    assert names(page)[-1] == HOSTILE
    assert page.locator("img[src=x]").count() == 0


def test_metrics_are_shown_with_their_interval_and_where_they_were_measured(opened: Open) -> None:
    model = opened().locator("#model").inner_text()

    assert "0.810" in model
    assert "0.740 \u2013 0.870" in model
    assert "Measured on test: 90 pictures of 30 groups" in model


def test_warnings_are_shown(opened: Open) -> None:
    assert "two pictures had no colour profile" in opened().locator("#warnings").inner_text()


def test_items_unlike_the_training_pictures_are_counted_marked_and_found(opened: Open) -> None:
    odd = prediction("odd.png", novelty=1.5, warnings=("unlike the pictures of the training",))
    page = opened([prediction(novelty=0.5), odd, FAILED])
    warning = page.locator("#warnings li").first
    assert "1 item is unlike the pictures that the model was trained on." in warning.inner_text()
    assert page.locator(".card .warning").all_inner_texts() == [
        "Unlike the pictures of the training"
    ]
    warning.get_by_role("button").click()

    assert names(page) == ["odd.png"]


def test_without_a_limit_novelty_is_not_mentioned(opened: Open) -> None:
    page = opened()

    assert page.locator(".card .warning").count() == 0
    assert "unlike" not in page.locator("body").inner_text().lower()


def test_a_card_prints_sum_and_residual_of_its_map(opened: Open) -> None:
    cells = np.full((5, 5), 0.1, np.float32)
    page = opened([replace(prediction(), evidence=(Evidence("bright", cells, 2.75, 0.25),))])
    legend = page.locator(".legend").inner_text()

    assert "evidence against / for Rather bright" in legend
    assert "map +2.5 + bias +0.25 = logit +2.75, residual 3.7e\u22128" in legend


def test_a_value_that_rounds_to_0_has_no_sign_and_all_its_digits(opened: Open) -> None:
    cells = np.zeros((5, 5), np.float32)
    page = opened(
        [replace(prediction(), evidence=(Evidence("bright", cells, -1.63e-3, -1.63e-3),))]
    )

    assert (
        "map +0 + bias \u22120.00163 = logit \u22120.00163," in page.locator(".legend").inner_text()
    )


@pytest.mark.parametrize("logit", [9.0, float("nan")])
def test_a_map_that_does_not_add_up_is_reported(opened: Open, logit: float) -> None:
    cells = np.full((5, 5), 0.1, np.float32)
    page = opened([replace(prediction(), evidence=(Evidence("bright", cells, logit, 0.25),))])

    assert "the map does not add up" in page.locator(".legend").inner_text()


def test_evidence_for_is_orange_and_evidence_against_is_blue(opened: Open) -> None:
    cells = np.array([[1.0, -1.0]], np.float32)
    page = opened([replace(prediction(), evidence=(Evidence("bright", cells, 0.0, 0.0),))])
    read = "canvas => [...canvas.getContext('2d').getImageData(0, 9, canvas.width, 1).data]"
    row = np.array(page.locator("canvas").evaluate(read)).reshape(-1, 4)
    left, right = row[4], row[-5]

    assert left[0] > left[2]
    assert right[2] > right[0]
    assert left[3] > 150 < right[3]


def test_the_kind_of_a_score_is_shown(opened: Open) -> None:
    assert "softmax, not calibrated" in opened().locator(".card").first.inner_text()
    calibrated = opened([prediction(kind="probability")]).locator(".card").first.inner_text()
    share = opened([prediction(kind="share")]).locator(".card").first.inner_text()
    assert "share of its frames or regions" in share
    assert "probability" in calibrated
    assert "not calibrated" not in calibrated + share


def test_a_search_finds_items_by_part_of_their_name(opened: Open) -> None:
    page = opened()
    page.get_by_label("Search").fill("B")

    assert names(page) == ["b10.png", "b9.png", "broken.png"]


def test_a_label_filters_its_items(opened: Open) -> None:
    page = opened()
    page.get_by_label("Predicted").select_option(label="Rather dark")

    assert names(page) == ["b9.png"]


def test_a_bar_of_the_distribution_filters_its_items_until_it_is_chosen_again(opened: Open) -> None:
    page = opened()
    bar = page.locator("#distribution button", has_text="Rather dark")
    bar.click()
    assert bar.get_attribute("aria-pressed") == "true"
    assert names(page) == ["b9.png"]
    bar.click()

    assert len(names(page)) == 6


def test_items_without_a_label_can_be_found(opened: Open) -> None:
    page = opened([prediction(), prediction("none.png", predicted=())])
    page.get_by_label("Predicted").select_option(label="No label")

    assert names(page) == ["none.png"]


def test_a_state_filters_its_items(opened: Open) -> None:
    page = opened()
    page.get_by_label("State").select_option("failed")

    assert names(page) == ["broken.png"]


@pytest.mark.parametrize(
    ("key", "first"),
    [
        ("order", ["b10.png", "b9.png", "broken.png"]),
        ("top", ["b10.png", "b9.png", HOSTILE]),
        ("doubt", ["a.png", HOSTILE, "b9.png"]),
        ("novelty", ["a.png", HOSTILE, "b9.png"]),
    ],
)
def test_items_are_sorted(opened: Open, key: str, first: list[str]) -> None:
    novelties = {"a.png": 1.2, HOSTILE: 0.8, "b9.png": 0.4}
    records = [
        replace(each, novelty=novelties.get(each.item.id)) if isinstance(each, Prediction) else each
        for each in RECORDS
    ]
    page = opened(records)
    page.get_by_label("Sort by").select_option(key)

    assert names(page)[:3] == first


def test_names_are_sorted_in_natural_order(opened: Open) -> None:
    page = opened()
    page.get_by_label("Search").fill("b")
    page.get_by_label("Sort by").select_option("id")

    assert names(page) == ["b9.png", "b10.png", "broken.png"]


def test_failures_and_skipped_items_have_a_table_with_reasons(opened: Open) -> None:
    rows = opened().locator("#reasons tr").all_inner_texts()

    assert [row.split("\t") for row in rows] == [
        ["broken.png", "Failed", "read", "image", "the file is truncated"],
        ["notes.txt", "Skipped", "", "", "no reader knows this content"],
    ]


def test_a_run_without_failures_has_no_such_table(opened: Open) -> None:
    assert not opened([prediction()]).locator("#unfinished").is_visible()


def test_the_card_of_a_failed_item_is_as_small_as_its_reason(opened: Open) -> None:
    cards = [card.bounding_box() for card in opened().locator(".card").all()]

    assert cards[2]["height"] < cards[1]["height"] / 2


def test_the_detail_opens_with_enter_closes_with_escape_and_returns_the_focus(opened: Open) -> None:
    page = opened()
    page.locator(".card .open").nth(1).focus()
    page.keyboard.press("Enter")
    detail = page.locator("#detail")
    assert detail.is_visible()
    assert "b9.png" in detail.inner_text()
    assert "12 frames" in detail.inner_text()
    page.keyboard.press("Escape")

    assert not detail.is_visible()
    assert page.evaluate("document.activeElement.textContent") == "b9.png"


def test_the_detail_shows_the_maps_of_all_labels_that_have_one(opened: Open) -> None:
    cells = np.ones((5, 5), np.float32)
    maps = tuple(Evidence(label, cells, 25.0, 0.0) for label in ("dark", "bright"))
    page = opened([replace(prediction(), evidence=maps)])
    page.locator(".card").click()

    assert page.locator("#detail canvas").count() == 2


def test_arrow_keys_step_through_the_filtered_items(opened: Open) -> None:
    page = opened()
    page.get_by_label("State").select_option("ok")
    page.locator(".card .open").nth(1).click()
    page.keyboard.press("ArrowRight")

    assert page.locator("#detail-title").inner_text() == "a.png"


def test_the_trace_is_a_list_that_opens_without_opening_the_item(opened: Open) -> None:
    page = opened([prediction()])
    page.locator(".trace summary").click()

    assert page.locator(".trace li").all_inner_texts() == ["spacing assumed 0.5 um from the recipe"]
    assert not page.locator("#detail").is_visible()


def test_items_without_picture_and_evidence_show_their_scores(opened: Open) -> None:
    page = opened([prediction(evidence=False)])

    assert page.locator(".media, canvas").count() == 0
    assert "0.700" in page.locator(".card").inner_text()


def test_a_run_without_metadata_still_shows_its_items(opened: Open) -> None:
    page = opened([prediction()], card={}, recipe={}, warnings=None, weights=None, timings={})

    assert "bright" in page.locator(".card").inner_text()


def test_the_unfolded_recipe_can_be_read(opened: Open) -> None:
    page = opened()
    assert not page.locator("#provenance pre").first.is_visible()
    page.locator("#provenance summary").click()

    recipe = "name: shades\npreprocess:\n  - equalize\n  - resize:\n      size: 8\n"
    assert page.locator("#provenance pre").first.inner_text() == recipe


@pytest.mark.parametrize("width", [1280, 390])
def test_no_horizontal_scrolling_is_needed(opened: Open, width: int) -> None:
    long = prediction("x" * 300, trace=("y" * 300,))
    card = {**CARD, "limits": ["z" * 300], "title": "w" * 300}
    page = opened([long, replace(FAILED, reason="r" * 300)], width=width, card=card)
    page.locator("#provenance summary").click()
    page.locator(".trace summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.locator(".card .open").first.click()

    assert page.evaluate("document.getElementById('detail').scrollWidth") <= width


def test_only_one_page_of_ten_thousand_items_is_in_the_document(opened: Open) -> None:
    page = opened(many(10_000), counts={"found": 10_000})
    assert page.locator("#status").inner_text() == "10,000 items"
    assert page.locator(".card").count() == 24
    page.get_by_label("Page").first.fill("417")
    page.keyboard.press("Enter")
    assert names(page)[-1] == "item-9999.png"
    page.get_by_label("Search").fill("item-777")

    assert page.locator("#status").inner_text() == "11 items"
    assert names(page)[-1] == "item-7779.png"


def test_the_page_buttons_keep_the_focus(opened: Open) -> None:
    page = opened(many(60))
    page.locator("#gallery .pager button", has_text="Next").first.press("Enter")

    assert names(page)[0] == "item-24.png"
    assert page.evaluate("document.activeElement.textContent") == "Next"
