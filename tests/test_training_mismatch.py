"""Warnings about recipes that differ from the training of their weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diascope.card import ModelCard
from diascope.recipe import read_recipe
from diascope.training_mismatch import describe_preparation, mismatch_warnings

WINDOW = {"dicom": {"window": 2}}


def warned(folder: Path, card: ModelCard, now: object) -> list[str]:
    (folder / "mine.yaml").write_text("model: mine\npreprocess:\n  - resize: {size: 8}\n")
    return mismatch_warnings(read_recipe(str(folder / "mine.yaml"), [f"read={now}"]), card)


@pytest.mark.parametrize(
    ("then", "now"), [(WINDOW, "dicom"), (WINDOW, "auto"), ("dicom", WINDOW), ("auto", WINDOW)]
)
def test_other_parameters_of_the_reader_give_a_warning(
    make_card: Callable[..., ModelCard], tmp_path: Path, then: Any, now: Any
) -> None:
    (warning,) = warned(tmp_path, make_card(read=then), now)
    told = str(then).replace("'", "")
    assert warning.startswith(f"read differs from how mine was trained: {told}; expect worse")


@pytest.mark.parametrize(
    ("then", "now"),
    [
        (WINDOW, WINDOW),
        ("image", "auto"),
        ("auto", "image"),
        ("image", "dicom"),
        ("image", WINDOW),
        (None, WINDOW),
        ({"dicom": {"window": "first"}}, "dicom"),
    ],
)
def test_the_same_reader_and_a_different_one_give_no_warning(
    make_card: Callable[..., ModelCard], tmp_path: Path, then: Any, now: Any
) -> None:
    assert warned(tmp_path, make_card(read=then), now) == []


def test_other_steps_give_a_warning_if_the_card_names_some(
    make_card: Callable[..., ModelCard], tmp_path: Path
) -> None:
    (warning,) = warned(tmp_path, make_card(preprocess=({"resize": {"size": 9}},)), "auto")
    assert warning.startswith(
        "preprocess differs from how mine was trained: [{resize: {size: 9}}]; "
    )
    assert warned(tmp_path, make_card(preprocess=({"resize": {"size": 8}},)), "auto") == []
    assert warned(tmp_path, make_card(), "auto") == []


@pytest.mark.parametrize(
    ("then", "warnings"),
    [
        ({"resize": {"size": 8, "fit": "squash"}}, 0),
        ({"resize": {"size": 8, "fit": "pad"}}, 1),
        ({"gone": {"size": 8}}, 1),
        ({"resize": None}, 1),
        ({"resize": 8}, 1),
        ({}, 1),
    ],
)
def test_a_step_with_an_explicit_default_gives_no_warning(
    make_card: Callable[..., ModelCard], tmp_path: Path, then: Any, warnings: int
) -> None:
    assert len(warned(tmp_path, make_card(preprocess=(then,)), "auto")) == warnings


@pytest.mark.parametrize(
    ("then", "now", "count"),
    [
        ("resize", "diascope:resize", 0),
        ("diascope:resize", "resize", 0),
        ("other:resize", "diascope:resize", 1),
        ("grayscale", "resize", 1),
    ],
)
def test_a_distribution_in_front_of_a_step_is_no_difference(
    make_card: Callable[..., ModelCard], tmp_path: Path, then: str, now: str, count: int
) -> None:
    (tmp_path / "mine.yaml").write_text(f"model: mine\npreprocess:\n  - {now}: {{size: 8}}\n")
    card = make_card(preprocess=({then: {"size": 8}},))

    assert len(mismatch_warnings(read_recipe(str(tmp_path / "mine.yaml")), card)) == count


STEPS = "[diascope.preprocessing]\nblur-edge = {name}:BlurEdge\n"
BLUR_EDGE = """
from dataclasses import dataclass
from pathlib import Path

@dataclass(frozen=True)
class BlurEdge:
    width: int = {width}
    table: Path = Path(__file__)
    api = (1, 0)

    def __call__(self, sample):
        return sample
"""


def with_steps(folder: Path, *steps: str) -> Any:
    (folder / "mine.yaml").write_text(f"model: mine\npreprocess: [{', '.join(steps)}]\n")
    return read_recipe(str(folder / "mine.yaml"))


@pytest.fixture
def trained(make_card: Callable[..., ModelCard], install: Any, tmp_path: Path) -> ModelCard:
    """The card of weights that were trained with version 1.0 of a third party's step."""
    install("acme", STEPS.format(name="acme"), acme=BLUR_EDGE.format(width=4))
    return make_card(**describe_preparation(with_steps(tmp_path, "blur-edge")))


def test_a_card_states_defaults_and_the_owners_of_third_party_steps(trained: ModelCard) -> None:
    assert (trained.read, trained.preprocess) == ("auto", ({"acme:blur-edge": {"width": 4}},))


def test_parameters_that_choose_what_is_read_are_no_difference(
    make_card: Callable[..., ModelCard], install: Any, tmp_path: Path
) -> None:
    choosing = BLUR_EDGE.format(width=4).replace("api =", "selecting = ('width',)\n    api =")
    install("acme", STEPS.format(name="acme"), acme=choosing)
    card = make_card(**describe_preparation(with_steps(tmp_path, "blur-edge: {width: 5}")))

    assert card.preprocess == ("acme:blur-edge",)
    assert mismatch_warnings(with_steps(tmp_path, "blur-edge: {width: 6}"), card) == []


def test_a_default_that_a_later_version_changed_gives_a_warning(
    trained: ModelCard, make_card: Callable[..., ModelCard], tmp_path: Path
) -> None:
    assert mismatch_warnings(with_steps(tmp_path, "blur-edge"), trained) == []
    earlier = make_card(preprocess=({"acme:blur-edge": {"width": 9}},))
    (warning,) = mismatch_warnings(with_steps(tmp_path, "blur-edge"), earlier)
    assert "was trained: [{acme:blur-edge: {width: 9}}]; expect worse" in warning
    assert mismatch_warnings(with_steps(tmp_path, "blur-edge: {width: 9}"), earlier) == []


def test_a_step_of_the_same_name_in_another_package_gives_a_warning(
    trained: ModelCard, make_card: Callable[..., ModelCard], install: Any, tmp_path: Path
) -> None:
    install("rival", STEPS.format(name="rival"), rival=BLUR_EDGE.format(width=4))
    assert mismatch_warnings(with_steps(tmp_path, "acme:blur-edge"), trained) == []
    assert len(mismatch_warnings(with_steps(tmp_path, "rival:blur-edge"), trained)) == 1
    ambiguous = make_card(preprocess=("blur-edge",))
    assert len(mismatch_warnings(with_steps(tmp_path, "rival:blur-edge"), ambiguous)) == 1
