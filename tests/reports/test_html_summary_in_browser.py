"""What the html report says about the model and about its own pictures, in Chromium."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.reports.pages import prediction

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]


def test_the_gallery_names_the_steps_that_changed_its_pictures(opened: Open) -> None:
    told = "Pictures are shown as the network sees them: after equalize, resize."

    assert told in opened([prediction()]).locator("#gallery").inner_text()
    assert opened([prediction()], recipe={"preprocess": []}).locator("#prepared").is_hidden()
    assert opened([prediction(evidence=False)]).locator("#prepared").is_hidden()
