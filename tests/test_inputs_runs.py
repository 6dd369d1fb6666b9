"""Results of other runs inside an input are skipped, with a reason."""

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


def test_a_results_folder_reached_by_links_is_skipped_once(tree: Path) -> None:
    found = list(find_items([str(tree)], exclude=tree / "results" / "two"))

    ends = {entry.item.id: entry.end and entry.end.reason for entry in found}
    assert ends == {
        "00.png": None,
        "link": TOLD,
        "results/three/maps/00.png": None,
        "results/three/run.json": None,
    }


def test_a_results_folder_is_read_if_it_or_a_folder_in_it_is_named(tree: Path) -> None:
    assert ids(tree / "results" / "one") == ["ledger.sqlite", "maps/00.png", "run.json"]
    assert ids(tree / "link") == ["ledger.sqlite", "maps/00.png", "run.json"]
    assert ids(tree / "results" / "one" / "maps") == ["00.png"]


def test_a_glob_skips_a_results_folder_unless_it_or_a_folder_in_it_is_named(tree: Path) -> None:
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
def test_a_glob_into_a_folder_without_permission_finds_failures(
    tree: Path,
) -> None:
    (tree / "results" / "three").chmod(0o600)  # it can be listed
    (found,) = find_items([f"{tree}/results/t*/*.json"], exclude=tree / "results" / "two")
    (tree / "results" / "three").chmod(0o700)
    assert isinstance(found.end, Failed)
    assert found.end.reason == "it cannot be opened: Permission denied"


def test_results_of_a_run_are_not_inputs_of_the_next(
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
