"""Inputs: which files are found, in which order, and with which ids."""

import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diascope.errors import UsageError
from diascope.inputs import find_items
from diascope.ledger import Ledger
from diascope.sample import Failed, Found, Skipped


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``here/`` with ``b.png``, ``a.png``, ``sub/c.png``; it is the current folder."""
    folder = tmp_path / "here"
    for name in ("b.png", "a.png", "sub/c.png"):
        make(folder / name)
    monkeypatch.chdir(folder)
    return folder


def make(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"content of {path}")
    return path


def ids(*named: object, **options: object) -> list[str]:
    found = find_items([str(name) for name in named], **options)  # type: ignore[arg-type]
    return [entry.item.id for entry in found]


def content(entry: Found) -> bytes:
    with entry.item.open() as file:
        return file.read()


def test_a_folder_yields_its_files_and_folders_sorted_by_name(tree: Path) -> None:
    assert ids(tree) == ["a.png", "b.png", "sub/c.png"]


def test_the_id_of_a_file_is_its_name(tree: Path) -> None:
    assert ids(tree / "sub" / "c.png") == ["c.png"]


def test_a_glob_gives_ids_relative_to_its_fixed_part(tree: Path) -> None:
    assert ids("sub/*.png") == ["c.png"]
    assert ids("**/*.png") == ["a.png", "b.png", "sub/c.png"]


def test_a_file_whose_name_looks_like_a_glob_is_a_file(tree: Path) -> None:
    make(tree / "x[1].png")
    assert ids("x[1].png") == ["x[1].png"]


def test_ids_of_several_inputs_begin_with_the_inputs_name(tree: Path) -> None:
    make(tree / "two" / "a.png")
    assert ids("sub", "two", "b.png") == ["sub/c.png", "two/a.png", "b.png"]
    assert ids("two", "./.")[:2] == ids("two", ".")[:2] == ["two/a.png", "./a.png"]


def test_ids_of_inputs_of_the_same_name_begin_with_the_path_as_typed(tree: Path) -> None:
    make(tree / "x" / "photos" / "a.png")
    make(tree / "y" / "photos" / "a.png")
    assert ids("x/photos", "y/photos") == ["x/photos/a.png", "y/photos/a.png"]


def test_ids_of_paths_typed_with_backslashes_have_slashes_on_windows(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sep", "\\")
    make(tree / "x\\photos" / "a.png")
    make(tree / "y\\photos" / "a.png")
    assert ids(r"x\photos", r"y\photos") == ["x/photos/a.png", "y/photos/a.png"]


names = st.sampled_from(["a", "b", "a.png", "ab", "x y"])
trees = st.lists(st.lists(names, min_size=1, max_size=3).map("/".join), min_size=1, max_size=6)


@settings(max_examples=25)
@given(files=trees, data=st.data())
def test_files_with_the_same_id_are_all_kept(files: list[str], data: st.DataObject) -> None:
    with TemporaryDirectory() as name:
        root = Path(name)
        for path in (root / "tree" / file for file in files):
            if not path.exists() and all(not parent.is_file() for parent in path.parents):
                make(path)
        every = sorted(path for path in (root / "tree").rglob("*"))
        named = data.draw(st.lists(st.sampled_from(every), min_size=1, max_size=4))
        expected = {file for path in named for file in [path, *path.rglob("*")] if file.is_file()}
        items = entered(root / "ledger.sqlite", *map(str, named))
        assert {uri for _, uri in items} == {str(path) for path in expected}
        assert len({id_ for id_, _ in items}) == len(items)


@pytest.mark.parametrize("name", ["a.png", ".", "sub/*.png"])
def test_an_input_that_is_named_twice_is_added_once(tree: Path, tmp_path: Path, name: str) -> None:
    once = [uri for _, uri in entered(tmp_path / "once.sqlite", name)]
    twice = [uri for _, uri in entered(tmp_path / "twice.sqlite", name, f"sub/../{name}")]
    assert twice == once


def entered(path: Path, *named: str) -> list[tuple[str, str]]:
    """Return id and URI of the pending items of a new ledger."""
    ledger = Ledger(path, "run")
    ledger.add_items(find_items(named), retry=False)
    items = [(item.id, item.uri) for chunk in ledger.pending_chunks(9) for item in chunk]
    ledger.close()
    return items


def test_hidden_files_and_folders_are_skipped_with_a_reason(tree: Path) -> None:
    make(tree / ".DS_Store")
    make(tree / ".git" / "x.png")
    ends = [entry.end for entry in find_items(["."]) if entry.item.id.startswith(".")]
    assert [(type(end), end.item.id, end.reason) for end in ends if end] == [
        (Skipped, ".DS_Store", "hidden"),
        (Skipped, ".git", "hidden"),
    ]


def test_a_loop_of_links_ends(tree: Path) -> None:
    (tree / "sub" / "up").symlink_to(tree, target_is_directory=True)
    assert ids(tree) == ["a.png", "b.png", "sub/c.png"]


def test_a_dangling_link_is_found_so_that_it_can_fail(tree: Path) -> None:
    (tree / "gone.png").symlink_to(tree / "nowhere.png")
    assert "gone.png" in ids(tree)


def test_a_pipe_is_skipped_without_waiting(tree: Path) -> None:
    os.mkfifo(tree / "pipe.png")
    (end,) = [entry.end for entry in find_items(["."]) if entry.item.id == "pipe.png"]
    assert isinstance(end, Skipped)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every folder")
def test_a_folder_that_cannot_be_listed_fails_alone(tree: Path) -> None:
    (tree / "sub").chmod(0)
    found = list(find_items(["."]))
    (tree / "sub").chmod(0o700)
    assert [type(entry.end) for entry in found] == [type(None), type(None), Failed]


def test_a_missing_input_or_an_empty_name_is_an_error(tree: Path, tmp_path: Path) -> None:
    told = re.escape(f"there is no 'photos' (looked in {tmp_path} and {tree})")
    for name, reason in (("photos", told), ("", "an input has an empty name")):
        with pytest.raises(UsageError, match=reason):
            ids(name, base=tmp_path)


def test_a_glob_without_matches_is_an_error(tree: Path) -> None:
    with pytest.raises(UsageError, match=r"no file matches '\*\.tif'"):
        ids("*.tif")


def test_a_relative_input_is_looked_up_beside_the_recipe_first(tree: Path, tmp_path: Path) -> None:
    make(tmp_path / "recipes" / "sub" / "mine.png")
    assert ids("sub", base=tmp_path / "recipes") == ["mine.png"]
    assert ids("sub", base=tmp_path) == ["c.png"]


def test_the_output_folder_inside_the_input_is_excluded(tree: Path) -> None:
    make(tree / "results" / "evidence.png")
    assert ids(".", exclude=tree / "results") == ["a.png", "b.png", "sub/c.png"]


def test_the_stamp_changes_with_the_content(tree: Path) -> None:
    (before,) = find_items(["a.png"])
    (tree / "a.png").write_text("something longer than what was there before, by far")
    (after,) = find_items(["a.png"])
    assert before.stamp != after.stamp


def test_a_name_that_is_not_utf8_fails_and_its_neighbours_are_found(tree: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tree) + b"/\xff.png")).write_text("x")
    except OSError:
        pytest.skip("this file system takes no such name")
    found = {entry.item.id: entry.end for entry in find_items([str(tree)])}
    failed = found.pop("\\xff.png")
    assert isinstance(failed, Failed)
    assert "not UTF-8" in failed.reason
    assert list(found) == ["a.png", "b.png", "sub/c.png"]


@pytest.mark.parametrize("named", ["", "**/*"], ids=["folder", "glob"])
def test_a_link_to_itself_fails_and_its_neighbours_are_found(tree: Path, named: str) -> None:
    (tree / "loop").symlink_to(tree / "loop")
    found = find_items([str(tree / named)], exclude=tree / "results")
    nothing = type(None)
    wanted = {"a.png": nothing, "b.png": nothing, "loop": Failed, "sub/c.png": nothing}
    assert {entry.item.id: type(entry.end) for entry in found} == wanted


def test_a_file_of_an_installed_package_is_found() -> None:
    (found,) = find_items(["package://diascope/inputs.py"])
    assert found.item.id == "inputs.py"
    assert "def find_items" in Path(found.item.uri).read_text()


@pytest.mark.parametrize("name", ["package://no_such_package/a", "package://csv/a", "package://"])
def test_a_missing_package_is_named(name: str) -> None:
    with pytest.raises(UsageError, match=re.escape(name)):
        list(find_items([name]))


def test_a_folder_deeper_than_pythons_stack_is_read(tree: Path) -> None:
    depth = 1_100
    (tree / "deep").mkdir()
    os.chdir(tree / "deep")
    for _ in range(depth):  # by steps: so does what removes them, which would recurse
        Path("a").mkdir()
        os.chdir("a")
    Path("x.png").touch()
    os.chdir(tree)
    sys.setrecursionlimit(1_000)  # Python's own, which torch raises where it compiles
    found = ids("deep")
    os.chdir("deep")
    for _ in range(depth):
        os.chdir("a")
    Path("x.png").unlink()
    for _ in range(depth):
        os.chdir("..")
        Path("a").rmdir()
    assert found == ["a/" * depth + "x.png"]


def test_a_folder_reached_by_many_links_is_read_once(tree: Path) -> None:
    for one in "abcdefgh":
        make(tree / "many" / one / "x.png")
        for other in set("abcdefgh") - {one}:
            (tree / "many" / one / f"to-{other}").symlink_to(tree / "many" / other)
    assert len(ids("many")) == 8


def test_folders_of_a_network_drive_that_numbers_no_files_are_read(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stat(path: Path, **options: Any) -> Any:
        status = original(path, **options)
        values = {name: getattr(status, name) for name in dir(status) if name.startswith("st_")}
        return SimpleNamespace(**values | {"st_ino": 0})

    original = Path.stat
    monkeypatch.setattr(Path, "stat", stat)
    (tree / "sub" / "loop").symlink_to(tree)
    assert ids(tree) == ["a.png", "b.png", "sub/c.png"]


@pytest.mark.parametrize("name", ["x" * 300, "~nosuchuser/x.png"])
def test_an_input_that_cannot_be_accessed_is_an_error_with_the_reason(
    tree: Path, name: str
) -> None:
    with pytest.raises(UsageError, match=r"cannot be accessed: (File name|RuntimeE)"):
        ids(name)


def test_an_input_inside_the_output_folder_is_found(tree: Path) -> None:
    assert ids("*.png", exclude=tree) == ["a.png", "b.png"]
    make(tree / "results" / "preview.png")
    assert "results/preview.png" not in ids("**/*.png", exclude=tree / "results")
    with pytest.raises(UsageError, match="'sub' is also the output folder"):
        ids("sub", exclude=tree / "sub")
