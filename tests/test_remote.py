"""What lies at a URI and is no item, and what of an address is told nobody."""

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
def test_what_is_hidden_in_an_archive_is_skipped_unless_it_is_asked_for(
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


def test_a_dot_alone_in_the_names_of_an_archive_hides_nothing(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        for name in ("./a.png", "./b.png"):
            archive.addfile(tarfile.TarInfo(name))
    assert [entry.end for entry in find_items([f"tar://::{tmp_path}/all.tar"])] == [None, None]


@pytest.mark.parametrize("password", ["secret", "a@secret"])
def test_a_password_that_was_typed_is_in_no_message(password: str) -> None:
    with pytest.raises(UsageError) as error:
        list(find_items([f"memory://me:{password}@host/nothing-there"]))
    assert "secret" not in str(error.value)
    assert "nothing-there" in str(error.value)


def test_a_password_is_in_the_id_of_no_item(memory: MemoryFileSystem, tmp_path: Path) -> None:
    memory.pipe("/me:secret@host/a.png", b"1")
    memory.pipe("/me:secret@host/b/a.png", b"1")
    named = ["memory://me:secret@host/a.png", "memory://me:secret@host/b/a.png"]
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join([*named, "memory://me:secret@host/gone.png"]))
    found = list(find_items(named, [listed]))
    assert len(found) == 5
    assert not [entry.item.id for entry in found if "secret" in entry.item.id]
