"""Archives: their paths, damage and large ones."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from fsspec.implementations.tar import TarFileSystem

from diascope.errors import AddressError
from diascope.inputs import find_items
from diascope.sample import Item


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """``all.zip``, with one file, outside the current folder."""
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


@pytest.mark.parametrize("named", ["all.zip", "sub/../all.zip", "~/all.zip"])
def test_an_archive_has_the_same_address_from_any_current_folder(
    archive: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.chdir(archive.parent)
    monkeypatch.setenv("HOME", str(archive.parent))
    (archive.parent / "sub").mkdir()
    (found,) = find_items([f"zip://::{named}"])
    assert found.item == Item("one.png", f"zip://one.png::{archive}")


@pytest.mark.parametrize("suffix", ["tar", "tar.gz"])
@pytest.mark.parametrize("cut", [False, True], ids=["a rotten header", "a header cut off"])
def test_a_tar_archive_with_a_damaged_header_is_not_listed_partially(
    tmp_path: Path, suffix: str, cut: bool
) -> None:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for number in range(4):
            archive.addfile(tarfile.TarInfo(f"{number}.png"))
    content = bytearray(whole.getvalue())
    content[2 * 512] ^= 0xFF  # the first letter of a name; its checksum tells
    data = bytes(content[: 2 * 512 + 100] if cut else content)
    path = tmp_path / f"all.{suffix}"
    path.write_bytes(gzip.compress(data) if suffix == "tar.gz" else data)
    with pytest.raises(AddressError, match="damaged: its file list ends early, after 2 names"):
        list(find_items([f"tar://::{path}"]))


def test_a_tar_archive_is_searched_once_however_many_folders_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file system's own walk takes minutes for 100,000 names in 1,000 folders."""
    monkeypatch.setattr(TarFileSystem, "walk", None)
    names = ["a/1.png", "a/b/2.png", "aa/3.png", "a.png"]
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        for name in ("a", "a/b"):
            folder = tarfile.TarInfo(name)
            folder.type = tarfile.DIRTYPE
            archive.addfile(folder)
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    found = find_items([f"tar://::{tmp_path / 'all.tar'}"])
    assert [each.item.id for each in found] == sorted(names)
    found = find_items([f"tar://a::{tmp_path / 'all.tar'}"])
    assert [each.item.id for each in found] == ["1.png", "b/2.png"]
