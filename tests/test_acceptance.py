"""Items that a recipe does not accept are skipped, with the reason."""

from collections.abc import Callable
from pathlib import Path

import pytest

from diascope.acceptance import AcceptanceRule
from diascope.errors import RecipeError
from diascope.privacy import redact_text
from diascope.recipe import read_recipe
from diascope.sample import Item

GATE = AcceptanceRule({"modality": ("CR", "DX"), "view": ("PA",)})
STRICT = AcceptanceRule({"view": ("PA",)}, missing="skip")


def test_accepted_values_match_in_any_case() -> None:
    assert GATE.rejection_reason({"modality": "dx ", "view": "PA", "body_part": "anything"}) == ""


def test_a_rejection_names_the_value_and_the_accepted_ones() -> None:
    assert GATE.rejection_reason({"modality": "MR"}) == "modality is MR; the recipe is for CR or DX"


@pytest.mark.parametrize("value", ["DOE JANE", "O'NEIL", 'O\'NEIL "J"', "chest"])
def test_a_value_that_is_no_defined_term_is_withheld_with_strict_privacy(value: str) -> None:
    reason = AcceptanceRule({"body_part": ("HAND",)}).rejection_reason({"body_part": value})

    assert value.replace("'", " ") in reason
    assert redact_text(reason, Item("a", "a")) == "body part is '...'; the recipe is for HAND"


@pytest.mark.parametrize(
    ("name", "value"),
    [("modality", "MR"), ("view", "ap"), ("image_type", "DERIVED/PRIMARY"), ("burned_in", "YES")],
)
def test_a_defined_term_is_given_with_strict_privacy(name: str, value: str) -> None:
    reason = AcceptanceRule({name: ("X",)}).rejection_reason({name: value})

    assert f" is {value}; " in redact_text(reason, Item("a", "a"))


def test_a_missing_fact_is_accepted_unless_the_recipe_says_skip() -> None:
    assert GATE.rejection_reason({"modality": "CR"}) == ""
    assert (
        STRICT.rejection_reason({"modality": "CR"})
        == "the file states no view; the recipe wants PA"
    )
    assert STRICT.rejection_reason({"view": " "}) == "the file states no view; the recipe wants PA"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(accept: str) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_text(f"name: r\nmodel: m\naccept: {accept}\n")
        return path

    return write


def test_a_recipe_reads_its_acceptance_rule(write: Callable[[str], Path]) -> None:
    recipe = read_recipe(str(write("{modality: [CR, DX], view: PA, missing: skip}")))

    assert recipe.accept == AcceptanceRule({"modality": ("CR", "DX"), "view": ("PA",)}, "skip")
    assert recipe.plain()["accept"] == {
        "modality": ["CR", "DX"],
        "view": ["PA"],
        "missing": "skip",
    }


@pytest.mark.parametrize(
    ("accept", "message"),
    [
        ("{vew: [PA]}", "Did you mean 'view'"),
        ("{missing: maybe}", "missing must be accept or skip, got 'maybe'"),
        ("[PA]", "accept must hold keys, got"),
        ("{view: {}}", "expected a text, got"),
    ],
)
def test_a_mistake_in_accept_is_reported_with_its_line(
    write: Callable[[str], Path], accept: str, message: str
) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        read_recipe(str(write(accept)))
    assert caught.value.where.endswith("recipe.yaml:3")
