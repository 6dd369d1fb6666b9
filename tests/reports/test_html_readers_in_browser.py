"""The html report in Chromium: narrow screens, dark mode, forced colours and print."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.reports.pages import prediction

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]

DRAWN = "(name) => getComputedStyle(document.querySelector(name)).background"


def test_words_in_the_table_of_metrics_are_not_broken_on_the_narrowest_screen(opened: Open) -> None:
    page = opened(width=320)
    assert page.evaluate("document.querySelector('.metrics tbody th').offsetWidth") > 110
    assert page.evaluate("document.documentElement.scrollWidth") == 320


@pytest.mark.parametrize("name", [".fill", ".point", ".scale", ".whisker span"])
def test_bars_and_marks_stay_visible_with_forced_colours(opened: Open, name: str) -> None:
    page = opened([prediction(kind="probability")])
    chosen = page.evaluate(DRAWN, name)
    page.emulate_media(forced_colors="active")
    assert page.evaluate(DRAWN, name) == chosen


def test_the_whole_name_of_an_item_is_printed(opened: Open) -> None:
    page = opened([prediction("x" * 100)])
    page.emulate_media(media="print")
    cut = "(name) => name.scrollWidth > name.clientWidth"
    assert not page.locator("#cards .open").evaluate(cut)
