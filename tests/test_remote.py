"""Hidden files at a URI, and secrets in addresses."""

import tarfile
import zipfile
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from diascope.errors import UsageError
from diascope.inputs import find_items
from diascope.sample import Skipped


@pytest.mark.parametrize(
    ("inner", "hidden"),
    [
        ("", [".DS_Store", "__MACOSX/._a.png"]),
        ("**/*.png", ["__MACOSX/._a.png"]),
        ("__MACOSX/.*.png", []),  # which are asked for
    ],
)
def test_hidden_files_in_an_archive_are_skipped_unless_named(
    tmp_path: Path, inner: str, hidden: list[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "mac.zip", "w") as archive:
        for name in ("a.png", "__MACOSX/._a.png", ".DS_Store"):
            archive.writestr(name, b"1")
    found = list(find_items([f"zip://{inner}::{tmp_path}/mac.zip"]))
    skipped = [entry for entry in found if entry.end is not None]
    assert [entry.item.id for entry in skipped] == hidden
    assert [entry.end for entry in skipped] == [Skipped(entry.item, "hidden") for entry in skipped]
    assert len(found) == len(hidden) + 1


def test_a_single_dot_in_archive_names_hides_nothing(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        for name in ("./a.png", "./b.png"):
            archive.addfile(tarfile.TarInfo(name))
    assert [entry.end for entry in find_items([f"tar://::{tmp_path}/all.tar"])] == [None, None]


@pytest.mark.parametrize("password", ["secret", "a@secret"])
def test_no_message_contains_a_typed_password(password: str) -> None:
    with pytest.raises(UsageError) as error:
        list(find_items([f"memory://me:{password}@host/nothing-there"]))
    assert "secret" not in str(error.value)
    assert "nothing-there" in str(error.value)


def test_no_id_contains_a_password(memory: MemoryFileSystem, tmp_path: Path) -> None:
    memory.pipe("/me:secret@host/a.png", b"1")
    memory.pipe("/me:secret@host/b/a.png", b"1")
    named = ["memory://me:secret@host/a.png", "memory://me:secret@host/b/a.png"]
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join([*named, "memory://me:secret@host/gone.png"]))
    found = list(find_items(named, [listed]))
    assert len(found) == 5
    assert not [entry.item.id for entry in found if "secret" in entry.item.id]
