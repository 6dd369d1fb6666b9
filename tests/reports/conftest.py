"""The html report, opened in Chromium."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import chromium
from tests.reports.pages import RECORDS, write

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def opened(browser: "Browser", tmp_path: Path) -> Iterator[Callable[..., "Page"]]:
    """Return a function that writes and opens a page; fails on any error or external request."""
    faults: list[str] = []
    pages: list[Page] = []

    def refuse(request: Any) -> None:
        if not request.url.startswith(("file:", "data:")):
            faults.append(request.url)

    def open_page(records: Any = RECORDS, *, width: int = 1280, **changes: Any) -> "Page":
        page = browser.new_page(viewport={"width": width, "height": 900})
        pages.append(page)
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", refuse)
        page.goto(write(records, tmp_path, **changes).as_uri())
        return page

    yield open_page
    for page in pages:
        page.close()
    assert faults == []
