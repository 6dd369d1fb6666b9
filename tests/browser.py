"""A real browser for tests; without one they are skipped, or fail if the machine must have it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Yield the system's Chromium.

    Skips the test where Chromium or playwright is missing, unless ``DIASCOPE_REQUIRE`` (comma
    separated) names ``chromium``: then the test fails.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed")
    executable = shutil.which("chromium")
    if executable is None:
        _missing("no chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        yield browser
        browser.close()


def _missing(reason: str) -> NoReturn:
    if "chromium" in os.environ.get("DIASCOPE_REQUIRE", "").split(","):
        pytest.fail(f"DIASCOPE_REQUIRE names chromium, but {reason}")
    pytest.skip(reason)
