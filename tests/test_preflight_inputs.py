"""The pre-flight check reads some of the inputs."""

from pathlib import Path

import pytest

from diascope.errors import UsageError
from diascope.preflight import SAMPLED
from tests.runs import write_pictures, write_recipe
from tests.test_preflight import checked
from tests.test_preflight import photos as photos


@pytest.mark.parametrize("listed", [2, 3])
def test_more_inputs_than_were_listed_are_noted(
    recipe: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, listed: int
) -> None:
    monkeypatch.setattr("diascope.preflight._MOST_LISTED", listed)
    result = checked(recipe, photos)
    told = f"only the first {listed} inputs were listed; there are more"
    assert result.found == listed
    assert (told in result.notes) == (listed == 2)


def test_files_in_the_recipes_output_are_not_inputs(
    tmp_path: Path, photos: Path, tiny_weights: Path
) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", tiny_weights, output=str(photos / "results"))
    write_pictures(photos / "results", 2)
    assert checked(recipe, photos).found == 3
    with pytest.raises(UsageError, match="is also the output folder"):
        checked(recipe, photos / "results")


def test_inputs_that_would_not_be_classified_are_warnings(recipe: Path, photos: Path) -> None:
    (photos / "bad.jpg").write_text("no picture")
    (photos / "empty.png").write_bytes(b"")
    (photos / "notes.txt").write_text("mine")
    result = checked(recipe, photos)
    bad, empty, notes = result.warnings
    assert "bad.jpg would fail (read)" in bad
    assert "empty.png would be skipped: the file is empty" in empty
    assert "notes.txt would be skipped" in notes
    assert (result.found, result.read, result.problems) == (6, 3, [])


def test_inputs_that_share_a_reason_are_one_warning_and_the_most_frequent_comes_first(
    recipe: Path, photos: Path
) -> None:
    (photos / "bad.jpg").write_text("no picture")
    for number in range(40):
        (photos / f"empty{number:02}.png").write_bytes(b"")
    empty, bad = checked(recipe, photos).warnings
    assert empty == "40 of 44 would be skipped: the file is empty, such as empty00.png"
    assert bad.startswith("bad.jpg would fail (read): ")


def test_nothing_to_classify_is_a_problem(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_text("no picture")
    assert checked(recipe, tmp_path / "bad.jpg").problems == [
        "none of the inputs that were tried can be classified"
    ]


def test_a_sample_of_many_inputs_is_spread_from_first_to_last(recipe: Path, tmp_path: Path) -> None:
    many = write_pictures(tmp_path / "many", SAMPLED * 2 - 1)
    for number in (0, SAMPLED * 2 - 3, SAMPLED * 2 - 2):
        (many / f"{number:02}.png").write_bytes(b"broken")
    result = checked(recipe, many)
    assert (result.found, result.sampled, result.read) == (SAMPLED * 2 - 1, SAMPLED, SAMPLED - 2)


def test_a_folder_without_files_is_a_problem(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert checked(recipe, tmp_path / "empty").problems == [
        "the inputs hold no files that can be read"
    ]


def test_an_input_that_is_not_there_is_an_error(recipe: Path) -> None:
    with pytest.raises(UsageError, match="there is no"):
        checked(recipe, Path("nowhere"))
