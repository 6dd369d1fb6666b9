"""Results of other runs inside an input are no pictures to classify, and are accounted for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from diascope.inputs import find_items
from diascope.sample import Failed
from tests.runs import Ended, states, write_pictures

TOLD = "a folder with a run's results; name it to read them"
Command = Callable[..., Ended]


def ids(*named: Path, exclude: Path | None = None) -> list[str]:
    return [entry.item.id for entry in find_items(list(map(str, named)), exclude=exclude)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """``tree/`` with a picture, three folders with files of runs, and a link to one of them."""
    folder = write_pictures(tmp_path / "tree", 1)
    made = {"one": ("run.json", "ledger.sqlite"), "two": ("run.json", "ledger.sqlite")}
    for name, files in (made | {"three": ("run.json",)}).items():
        write_pictures(folder / "results" / name / "maps", 1)
        for file in files:
            (folder / "results" / name / file).touch()
    (folder / "link").symlink_to(folder / "results" / "one")
    return folder


def test_a_folder_of_a_run_is_skipped_once_by_whatever_links(tree: Path) -> None:
    found = list(find_items([str(tree)], exclude=tree / "results" / "two"))

    ends = {entry.item.id: entry.end and entry.end.reason for entry in found}
    assert ends == {
        "00.png": None,
        "link": TOLD,
        "results/three/maps/00.png": None,
        "results/three/run.json": None,
    }


def test_a_folder_of_a_run_is_read_if_it_or_one_within_is_named(tree: Path) -> None:
    assert ids(tree / "results" / "one") == ["ledger.sqlite", "maps/00.png", "run.json"]
    assert ids(tree / "link") == ["ledger.sqlite", "maps/00.png", "run.json"]
    assert ids(tree / "results" / "one" / "maps") == ["00.png"]


def test_a_glob_skips_a_folder_of_a_run_too_unless_it_or_one_within_is_named(tree: Path) -> None:
    found = list(find_items([f"{tree}/**"], exclude=tree / "results" / "two"))

    ends = {entry.item.id: entry.end and entry.end.reason for entry in found}
    assert ends == {
        "00.png": None,
        "link": TOLD,
        "results/one": TOLD,
        "results/three/maps/00.png": None,
        "results/three/run.json": None,
    }
    assert ids(tree / "results" / "one" / "*/*.png") == ["maps/00.png"]
    assert ids(tree / "results" / "one" / "maps" / "*.png") == ["00.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root can enter every folder")
def test_a_glob_that_reaches_into_a_folder_that_cannot_be_entered_finds_failures(
    tree: Path,
) -> None:
    (tree / "results" / "three").chmod(0o600)  # it can be listed
    (found,) = find_items([f"{tree}/results/t*/*.json"], exclude=tree / "results" / "two")
    (tree / "results" / "three").chmod(0o700)
    assert isinstance(found.end, Failed)
    assert found.end.reason == "it cannot be opened: Permission denied"


def test_what_a_run_leaves_is_no_input_of_the_next(
    command: Command, recipe: Path, tmp_path: Path
) -> None:
    photos = write_pictures(tmp_path / "photos", 2)
    assert command("run", recipe, photos, "-o", photos / "results" / "one").code == 0
    assert command("run", recipe, photos, "-o", photos / "results" / "two").code == 0

    assert states(photos / "results" / "two") == {
        "00.png": ("ok", ""),
        "01.png": ("ok", ""),
        "results/one": ("skipped", TOLD),
    }
