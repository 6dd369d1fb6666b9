"""Warnings for files that state that their picture is turned or mirrored."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from diascope.file_warnings import add_file_warnings, warnings_from_facts, warnings_from_file
from diascope.privacy import BURNED_IN
from diascope.sample import Failed, Item, Overview, Prediction, Sample
from tests.readers.dicoms import encoded
from tests.runs import Ended, write_recipe

Command = Callable[..., Ended]

SAID = (
    r"the file says that its picture is turned or mirrored (patient orientation R\H; upright is "
    r"L\F): the answer may be wrong"
)


def facts(orientation: str, view: str = "") -> dict[str, str]:
    return {"orientation": orientation, "view": view}


@pytest.mark.parametrize("stated", [r"R\F", r"L\H", r"R\H", r"H\L", r"F\R", r"r\f"])
@pytest.mark.parametrize("view", ["", "PA", "frontal"])
def test_a_turned_or_mirrored_picture_gives_a_warning(stated: str, view: str) -> None:
    (warning,) = warnings_from_facts(facts(stated, view))

    assert warning == SAID.replace(r"R\H", stated)


@pytest.mark.parametrize("stated", [r"RA\F", r"A\F", r"PL\HR"])
def test_a_frontal_view_with_any_other_orientation_gives_a_warning(stated: str) -> None:
    assert len(warnings_from_facts(facts(stated, "AP"))) == 1
    assert warnings_from_facts(facts(stated)) == ()


@pytest.mark.parametrize("stated", [r"L\F", r"l\f", r"LA\FP", "", "L", "\\", r"L\P", r"P\F"])
def test_other_pictures_give_no_warning(stated: str) -> None:
    assert warnings_from_facts(facts(stated)) == ()


@pytest.mark.parametrize("stated", ["MONOCHROME1/IDENTITY", "MONOCHROME2/inverse"])
def test_a_picture_that_may_be_negative_gives_a_warning(stated: str) -> None:
    (warning,) = warnings_from_facts({"presentation_lut": stated})

    assert warning.startswith("the file says that its least value is both black and white (MONOCH")
    assert warning.endswith("the picture may be negative, and the answer wrong")
    assert warnings_from_facts({"presentation_lut": "MONOCHROME2/IDENTITY"}) == ()


def test_an_upright_view_may_be_tilted() -> None:
    assert warnings_from_facts(facts(r"LA\FP", "PA")) == ()


def test_warnings_from_a_file_are_kept_and_not_repeated() -> None:
    answer = Prediction(Item("a", "a"), {"x": 1.0}, "softmax", ("x",), warnings=(SAID,))

    told = add_file_warnings(answer, (SAID, BURNED_IN, "unlike the pictures"))

    assert isinstance(told, Prediction)
    assert told.warnings == (SAID, BURNED_IN)
    failed = Failed(Item("a", "a"), "model", "any", "broken")
    assert add_file_warnings(failed, (SAID,)) is failed


def regions_of(spacing_mm: tuple[float, float] | None) -> Sample:
    """Return the first region of a picture whose pixels have a size."""
    pixels = np.zeros((2, 2, 3), np.uint8)
    overview = Overview(pixels, np.ones((2, 2), np.bool_), (2, 2), spacing_mm)
    return Sample(Item("a", "a"), pixels, overview=overview)


def test_pixels_that_are_far_from_square_give_a_warning_with_both_sides() -> None:
    (warning,) = warnings_from_file(regions_of((0.00025, 0.0005)))

    assert warning.startswith("the file says that its pixels are 0.5 um wide and 0.25 um high")


@pytest.mark.parametrize("spacing", [(0.0005, 0.0005), (0.0005, 0.00054), None], ids=str)
def test_pixels_that_are_nearly_square_give_none(spacing: tuple[float, float] | None) -> None:
    assert warnings_from_file(regions_of(spacing)) == ()


def test_the_warning_is_in_the_reports_and_counted(
    command: Command, tiny_weights: Path, tmp_path: Path
) -> None:
    recipe, output, folder = tmp_path / "recipe.yaml", tmp_path / "out", tmp_path / "in"
    run = {"workers": 0, "device": "cpu"}
    write_recipe(recipe, tiny_weights, report=["json", "html"], run=run)
    folder.mkdir()
    frames = np.arange(2 * 40 * 40, dtype=np.uint16).reshape(2, 40, 40)
    for name, stated in {"upright": ["L", "F"], "turned": ["R", "H"], "odd": ["?"]}.items():
        (folder / f"{name}.dcm").write_bytes(encoded(frames, PatientOrientation=stated))

    ended = command("run", recipe, folder, "-o", output)

    assert ended.code == 0
    assert "the training pictures: 1\n" in ended.out
    lines = (output / "predictions.jsonl").read_text().splitlines()
    told = {answer["item"]: answer["warnings"] for answer in map(json.loads, lines)}
    assert told == {"odd.dcm": [], "turned.dcm": [SAID], "upright.dcm": []}
    assert r"patient orientation R\\H" in (output / "report.html").read_text(encoding="utf-8")
