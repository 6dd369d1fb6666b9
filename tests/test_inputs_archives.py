"""Archives whose addresses name them by a relative path."""

import zipfile
from pathlib import Path

import pytest

from diascope.inputs import find_items
from diascope.sample import Item


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """``all.zip``, with one file; it does not lie in the current folder."""
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("one.png", b"1")
    return tmp_path / "all.zip"


def test_an_archive_of_a_recipe_is_looked_up_beside_it(archive: Path) -> None:
    (found,) = find_items(["zip://::all.zip"], base=archive.parent)
    assert found.item == Item("one.png", f"zip://one.png::{archive}")


def test_an_archive_of_a_list_is_looked_up_beside_it(archive: Path) -> None:
    address = "zip://one.png::all.zip"
    (archive.parent / "list.txt").write_text(address)
    (found,) = find_items([], [archive.parent / "list.txt"])
    assert found.item == Item(address, f"zip://one.png::{archive}")
