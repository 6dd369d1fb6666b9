"""``pipeline models show``: as text, as JSON, as a page."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from diascope.card import (
    WEIGHTS_FILE,
    Calibration,
    Label,
    NoveltyLimit,
    read_card,
    write_card,
)
from tests.runs import Ended

Command = Callable[..., Ended]


def test_the_card_becomes_a_page(command: Command, tiny_weights: Path, tmp_path: Path) -> None:
    ended = command("models", "show", tiny_weights, "--html", tmp_path / "card.html")
    page = (tmp_path / "card.html").read_text()
    assert (ended.code, str(tmp_path / "card.html") in ended.out) == (0, True)
    assert page.startswith("<!doctype html>")
    assert "<h2>Model details</h2>" in page


def test_text_and_page_give_the_number_of_weights(command: Command, tiny_weights: Path) -> None:
    state = load_file(tiny_weights / WEIGHTS_FILE)
    count = f"{sum(tensor.numel() for tensor in state.values()):,}"  # it has no batch norm

    assert f"convnet, linear head; {count} weights\n" in command("models", "show", tiny_weights).out
    page = command("models", "show", tiny_weights, "--html", "-").out
    assert f"<dt>Weights</dt><dd>{count}</dd>" in page


def test_the_page_can_be_printed(command: Command, tiny_weights: Path) -> None:
    assert command("models", "show", tiny_weights, "--html", "-").out.startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--html", "no/such/folder/card.html"), "cannot be written: No such file or directory"),
        (("--html", "card.html", "--json"), "exclude each other"),
    ],
)
def test_a_page_that_cannot_be_written_is_refused(
    command: Command, tiny_weights: Path, options: tuple[str, ...], told: str
) -> None:
    ended = command("models", "show", tiny_weights, *options)
    assert ended.code == 2
    assert told in ended.err
    assert "Traceback" not in ended.err


def test_the_text_has_calibration_decisions_and_subgroups(
    command: Command, tiny_weights: Path, tmp_path: Path
) -> None:
    card = replace(
        read_card(tiny_weights),
        score_kind="probability",
        calibration=Calibration("temperature", (0.8,) * 3, (0.1, -0.1, 0.0), "validation"),
        operating_rule="highest balanced accuracy",
        labels=(
            Label("red", operating_point=0.25),
            Label("green", operating_point=4e-4),
            Label("blue"),
        ),
        conformal={"0.9": 0.21},
        test_time="flips",
        novelty=NoveltyLimit((1.5, 1.25), "800 training pictures"),
        metrics={"accuracy": {"value": 0.8}},
        cross_validation={"folds": 5, "measured_on": "all", "accuracy": {"value": 0.6}},
        subgroups={"sex=male": {"items": 12, "accuracy": {"value": 0.7, "low": 0.6, "high": 0.8}}},
    )
    write_card(card, tmp_path)

    shown = command("models", "show", tmp_path).out
    assert shown.splitlines()[0] == (f"{card.name}: {card.title}" if card.title else card.name)
    write_card(replace(card, title=""), tmp_path)
    assert command("models", "show", tmp_path).out.splitlines()[0] == card.name

    write_card(replace(card, backbone="", mean=(0.5,), std=(0.25,)), tmp_path)
    other = command("models", "show", tmp_path).out
    assert "pixels, 1 channel\nNetwork     its own\n" in other

    told = ("temperature, fitted on validation", "0.1, -0.1, 0", "highest balanced accuracy")
    told += ("above distance 1.5, or 1.25 at unit length; 800 training pictures",)
    told += (
        "operating point 0.250",
        "operating point <0.001",
        "5 folds: all",
        "sex=male (12 items)",
    )
    told += ("0.9 coverage: labels with scores from 0.21", "mirror", "0.700  (0.600 to 0.800)")
    assert [text for text in told if text not in shown] == []


def test_an_incomplete_card_written_by_hand_is_shown(command: Command, tiny_weights: Path) -> None:
    figure = {"value": 0.625}
    card = replace(
        read_card(tiny_weights),
        metrics={"accuracy": figure},
        cross_validation={"accuracy": figure},
        subgroups={"sex=male": {"items": "a dozen", "accuracy": figure}},
        evidence={"inside": {"figures": {"energy": figure}}, "hiding": None},
    )
    write_card(card, tiny_weights)
    shown = command("models", "show", tiny_weights).out
    page = command("models", "show", tiny_weights, "--html", "-").out
    assert "\nCross-validation\n  accuracy 0.625\n" in shown
    assert "\nEvidence maps\n  Does the evidence lie where it should? (some maps)\n    E" in shown
    assert "<h3>Cross-validation</h3>\n<table" in page
    assert all(text in page for text in ("male (a dozen)", "in some maps.", "Energy inside the"))

    write_card(replace(card, cross_validation={"folds": 5, "accuracy": figure}), tiny_weights)
    assert "\nCross-validation, 5 folds\n" in command("models", "show", tiny_weights).out


def test_a_model_whose_card_raises_is_listed_with_the_cause(
    command: Command, install: Callable[..., None]
) -> None:
    source = (
        "class Odd:\n    api = (1, 0)\n    def load(self, runtime): ...\n"
        "    @property\n    def card(self): raise ValueError('a stranger is at fault')\n"
    )
    install("fake_odd", "[diascope.models]\nodd = fake_odd_c:Odd\n", fake_odd_c=source)
    listed, shown = command("models", "list"), command("models", "show", "odd")
    told = (
        "model 'odd' of fake_odd 1.0 cannot provide its card: ValueError: a stranger is at fault ("
    )
    assert (listed.code, shown.code) == (0, 2)
    assert told in listed.out
    assert "chest-findings" in listed.out
    assert told in shown.err


def test_a_model_whose_name_no_folder_can_have_is_refused(command: Command) -> None:
    ended = command("models", "show", "x" * 300)
    assert (ended.code, "there is no model plugin named" in ended.err) == (2, True)


def test_a_path_that_does_not_exist_is_reported_as_a_missing_folder(command: Command) -> None:
    for path in ("runs/nowhere", "nowhere/", f"/{'x' * 300}"):
        ended = command("models", "show", path)
        assert ended.code == 2
        assert ended.err == f"pipeline: {path}: there is no such folder of weights\n"


def test_the_card_of_a_recipe_is_that_of_its_model(
    command: Command, recipe: Path, tiny_weights: Path
) -> None:
    of_recipe, of_weights = (command("models", "show", each) for each in (recipe, tiny_weights))
    assert (of_recipe.code, of_recipe.out) == (0, of_weights.out)
    assert (
        command("models", "show", "derm.yaml").out == command("models", "show", "derm-lesion").out
    )
    ended = command("models", "show", "my.yaml")
    assert (ended.code, "my.yaml: there is no such file" in ended.err) == (2, True)


def test_a_model_with_required_parameters_names_them(
    command: Command, install: Callable[..., None]
) -> None:
    source = (
        "class Needy:\n    api = (1, 0)\n    card = None\n    def load(self, runtime): ...\n"
        "    def __init__(self, url: str, depth: int, quick: bool = True): ...\n"
    )
    install("fake_needy", "[diascope.models]\nneedy = fake_needy_c:Needy\n", fake_needy_c=source)
    ended = command("models", "show", "needy")
    assert ended.code == 2
    assert ended.err == (
        "pipeline: needy needs url (a text), depth (a whole number)\n"
        "  Write `model: {needy: {url: ..., depth: ...}}` in a recipe, and show that.\n"
    )
    assert "classifier needs weights (a path)" in command("models", "list").out


def test_what_a_card_does_not_state_has_no_heading(
    command: Command, tiny_weights: Path, tmp_path: Path
) -> None:
    card = read_card(tiny_weights)
    told = {}
    for name, part in {
        "full": replace(card, data={"source": "photos"}, made={"date": "2024-01-01"}),
        "bare": replace(card, digest=""),
    }.items():
        (tmp_path / name).mkdir()
        write_card(part, tmp_path / name)
        text = command("models", "show", tmp_path / name).out
        page = command("models", "show", tmp_path / name, "--html", "-").out
        titles = "weights (sha-256)", "<h2>data", "<h2>how it was made"
        told[name] = [
            *(f"\n{heading}" in text for heading in ("Weights ", "Data\n", "Made\n")),
            *(title in page.lower() for title in titles),
        ]
    assert told == {"full": [True] * 6, "bare": [False] * 6}
