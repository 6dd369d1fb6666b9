"""Results of other runs inside an input: they are no pictures to classify."""

from collections.abc import Callable
from pathlib import Path

import pytest

from diascope.inputs import find_items
from tests.runs import Ended, states, write_pictures

Command = Callable[..., Ended]


def ids(*named: Path, leave_out: Path | None = None) -> list[str]:
    return [entry.item.id for entry in find_items(list(map(str, named)), leave_out=leave_out)]


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


def test_folders_of_runs_are_left_out_and_told_once(tree: Path) -> None:
    with pytest.warns() as heard:
        found = ids(tree, tree / "results", leave_out=tree / "results" / "two")
    assert [str(each.message) for each in heard] == [
        f"{folder} is left out: it has a run's results; name it to read them"
        for folder in (tree / "link", tree / "results" / "one")
    ]
    within = ["results/three/maps/00.png", "results/three/run.json"]
    assert found == ["tree/00.png", *(f"tree/{name}" for name in within), *within]


def test_a_folder_of_a_run_is_read_if_it_or_one_within_is_named(tree: Path) -> None:
    assert ids(tree / "results" / "one") == ["ledger.sqlite", "maps/00.png", "run.json"]
    assert ids(tree / "link") == ["ledger.sqlite", "maps/00.png", "run.json"]
    assert ids(tree / "results" / "one" / "maps") == ["00.png"]


def test_what_a_run_leaves_is_no_input_of_the_next(
    command: Command, recipe: Path, tmp_path: Path
) -> None:
    photos = write_pictures(tmp_path / "photos", 2)
    assert command("run", recipe, photos, "-o", photos / "results" / "one").code == 0
    with pytest.warns(UserWarning, match=f"{photos / 'results' / 'one'} is left out"):
        assert command("run", recipe, photos, "-o", photos / "results" / "two").code == 0
    assert list(states(photos / "results" / "two")) == ["00.png", "01.png"]
