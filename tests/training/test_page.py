"""The training page."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diascope.card import Label, ModelCard
from diascope.explain.layer_table import tabulate_network
from diascope.training.filters import Filters
from diascope.training.mistakes import Mistake
from diascope.training.page import write_page
from diascope.training.scoring import Figures
from tests.browser import chromium
from tests.explain.networks import make_network

pytestmark = pytest.mark.figures

COUNTS = {"pictures": 1200, "groups": 600, "labels": {"dark": 700, "bright": 500}}
CARD = ModelCard(
    name="shades",
    title="Dark or bright",
    task="multiclass",
    labels=(Label("dark"), Label("bright", title="Rather bright")),
    size=(32, 32),
    backbone="convnet",
    mean=(0.5,),
    std=(0.25,),
    score_kind="softmax",
    data={"name": "Shadows", "train": COUNTS, "validation": COUNTS, "test": COUNTS},
    metrics={
        "measured_on": "test: 90 pictures",
        "accuracy": {"value": 0.81, "low": 0.74, "high": 0.87},
        "auc_dark": {"value": 0.9, "low": 0.8, "high": 0.95},
    },
    made={"command": "pipeline train shades.yaml", "seed": 7, "date": "2026-01-02"},
    digest="ab" * 32,
)
HISTORY: list[Figures] = [
    {"epoch": 1, "loss": 0.91, "auc_macro": 0.7, "learning_rate": 1e-3},
    {"epoch": 2, "loss": 0.52, "auc_macro": 0.88, "learning_rate": 1e-4},
    {"epoch": 3, "loss": 0.4, "auc_macro": 0.86, "learning_rate": 1e-5},
]
HOSTILE = "<script>alert(1)</script>.png"
MISTAKE = Mistake(HOSTILE, np.full((40, 60, 3), 90, np.uint8), "dark", "Rather bright", 0.987)


def page(folder: Path, **changes: Any) -> str:
    given = {"mistakes": [MISTAKE], "warnings": ["a copy\n  line 3"], "monitor": "auc_macro"}
    write_page(folder, CARD, HISTORY, **{**given, **changes})
    return (folder / "training.html").read_text()


def test_the_page_and_its_curves_are_written(tmp_path: Path) -> None:
    write_page(tmp_path, CARD, HISTORY, [], [])
    names = ["learning-curves.png", "learning-curves.svg", "training.html"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert all(path.stat().st_size for path in tmp_path.iterdir())


def test_the_page_says_what_was_trained_and_how_it_went(tmp_path: Path) -> None:
    shown = page(tmp_path)
    told = (
        "Dark or bright",
        "32 pixels, 1 channel<",
        "weights of epoch 2 are kept",
        "0.880",
        "1,200",
        "pipeline train",
    )
    told += ("a copy\n  line 3", "0.987", "Shadows", "0.740", "test: 90 pictures", "kept: 2")
    assert [text for text in told if text not in shown] == []


def test_a_wrong_answer_that_is_all_but_sure_has_no_score_of_1(tmp_path: Path) -> None:
    assert "&gt;0.999</span>" in page(tmp_path, mistakes=[replace(MISTAKE, score=0.9998)])


def test_another_monitor_keeps_another_epoch(tmp_path: Path) -> None:
    shown = page(tmp_path, monitor="loss")
    assert "weights of epoch 3 are kept" in shown
    assert "Best in training</dt><dd>0.400<small>Loss<" in shown
    assert "Best in validation</dt><dd>0.880<small>AUC" in page(tmp_path)


def test_a_training_without_warnings_and_mistakes_says_only_the_latter(tmp_path: Path) -> None:
    shown = page(tmp_path, mistakes=[], warnings=[])
    assert "about the table" not in shown
    assert "No held-out picture was answered wrongly" in shown


def test_the_first_layer_is_shown_at_every_epoch_that_was_kept(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).normal(size=(3, 20, 3, 5, 5)).astype(np.float32)
    shown = page(tmp_path, filters=Filters(np.array([0, 2, 3]), weights))

    assert "the 16 of its 20 filters that changed most" in shown
    assert [title in shown for title in (">Start<", ">Epoch 2<", ">Epoch 3<")] == [True] * 3
    assert "all filters of the layer became different filters: mean cosine" in shown


def test_the_layers_of_the_network_are_listed(tmp_path: Path) -> None:
    shown = page(tmp_path, layers=tabulate_network(make_network(), 3, (32, 32)))

    assert "The network, layer by layer" in shown
    assert "<b>3 conv</b>" in shown
    assert "layer by layer" not in page(tmp_path)


def test_without_kept_filters_the_page_says_nothing_of_them(tmp_path: Path) -> None:
    assert "Watching it learn" not in page(tmp_path)


def test_names_and_warnings_cannot_become_markup(tmp_path: Path) -> None:
    shown = page(tmp_path, warnings=[HOSTILE])
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") == 2


def test_a_browser_shows_the_page_in_its_colours_without_fault_or_request(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).normal(size=(2, 20, 3, 5, 5)).astype(np.float32)
    page(tmp_path, filters=Filters(np.array([0, 3]), weights))
    faults: list[str] = []
    with chromium() as browser:
        shown = browser.new_page(color_scheme="dark")
        shown.on("console", lambda message: faults.append(message.text))
        shown.on(
            "request",
            lambda asked: asked.url.startswith(("file:", "data:")) or faults.append(asked.url),
        )
        shown.goto((tmp_path / "training.html").as_uri())
        assert shown.locator(".card img").evaluate("image => image.naturalWidth") == 60
        ink = shown.locator("body").evaluate("body => getComputedStyle(body).color")
        title = shown.locator(".curves text", has_text="Validation").first
        assert title.evaluate("text => getComputedStyle(text).fill") == ink
        assert not shown.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert faults == []
