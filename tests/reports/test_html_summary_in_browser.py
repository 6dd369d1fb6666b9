"""What the html report says about the model and about its own pictures, in Chromium."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.reports.pages import CARD, prediction

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]


def test_each_label_has_its_auc_and_the_sensitivity_and_ppv_of_the_decision(opened: Open) -> None:
    metrics = {
        "auc_macro": {"value": 0.9},
        "auc_dark": {"value": 0.91, "low": 0.9, "high": 0.92},
        "auc_bright": {"value": 0.89},
        "sensitivity_dark": {"value": 0.7},
        "specificity_dark": {"value": 0.95},
        "sensitivity_at_specificity_80_dark": {"value": 0.99},
        "ppv_bright": {"value": 0.4, "low": 0.3, "high": 0.5},
    }
    page = opened([prediction()], card=CARD | {"metrics": metrics}, width=320)
    whole, each = page.locator(".metrics").all()

    assert whole.locator("tbody th").all_inner_texts() == ["AUC, mean over labels"]
    cells = [cell.replace("\u2013", "-").split() for cell in each.locator("td").all_inner_texts()]
    dark = [["0.910", "0.900", "-", "0.920"], ["0.700"], ["-"]]
    assert cells == [*dark, ["0.890"], ["-"], ["0.400", "0.300", "-", "0.500"]]
    assert each.locator("thead th").all_inner_texts()[1:] == ["AUC", "Sensitivity", "PPV"]
    assert each.locator("tbody th").all_inner_texts() == ["Rather dark", "Rather bright"]
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_without_decisions_only_aucs_are_shown(opened: Open) -> None:
    page = opened([prediction()], card=CARD | {"metrics": {"auc_dark": {"value": 0.91}}})

    assert page.locator(".by-label thead th").all_inner_texts() == ["Label", "AUC"]
    assert "PPV" not in page.locator("#model").inner_text()


def test_the_gallery_names_the_steps_that_changed_its_pictures(opened: Open) -> None:
    told = "Pictures are shown as the network sees them: after equalize, resize."

    assert told in opened([prediction()]).locator("#gallery").inner_text()
    assert opened([prediction()], recipe={"preprocess": []}).locator("#prepared").is_hidden()
    assert opened([prediction(evidence=False)]).locator("#prepared").is_hidden()
