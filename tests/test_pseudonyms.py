"""Pseudonyms of items, which only the holder of the key can assign."""

import stat
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diascope.errors import UsageError
from diascope.library_warnings import capture_warnings
from diascope.pseudonyms import KEY_VARIABLE, pseudonymise
from diascope.sample import Found, Item, Skipped
from tests.readers.dicoms import encoded

pytestmark = pytest.mark.filterwarnings("ignore:a key was made")
PIXELS = np.zeros((4, 4), np.uint8)
MakeItem = Callable[..., Item]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder for the test, and no key in the environment."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def named(*items: Item) -> list[str]:
    return [entry.item.id for entry in pseudonymise(Found(item, "") for item in items)]


def test_a_capture_of_warnings_in_another_thread_is_left_alone(
    make_item: MakeItem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader captures warnings, which may name a patient, while items are given pseudonyms."""
    began, leave, caught = threading.Event(), threading.Event(), []

    def read_elsewhere() -> None:
        with capture_warnings() as captured:
            began.set()
            leave.wait(30)
            warnings.warn("invalid value of DOE^JANE", stacklevel=1)
            caught.extend(captured)

    reader = threading.Thread(target=read_elsewhere)

    def slow_start(*_: Any, **__: Any) -> Any:
        reader.start()
        began.wait(30)
        raise ValueError

    monkeypatch.setattr("pydicom.filereader.read_partial", slow_start)
    before = list(warnings.filters)
    named(make_item(encoded(PIXELS, SOPInstanceUID="1.2.7"), "a.dcm"))
    leave.set()
    reader.join()

    assert len(caught) == 1
    assert warnings.filters == before


def test_copies_of_an_instance_have_the_same_pseudonym_in_any_folder(make_item: MakeItem) -> None:
    one, other = (
        make_item(encoded(PIXELS, SOPInstanceUID="1.2.7", PatientName=name), name)
        for name in ("a.dcm", "b.dcm")
    )
    third = make_item(encoded(PIXELS, SOPInstanceUID="1.2.8"), "c.dcm")
    retrieved = Item("x", "dicomweb://pacs/dicom-web/studies/1/series/2/instances/1.2.7")

    names = named(one, other, third, retrieved)

    assert names[0] == names[1] == names[3] != names[2]


def test_a_file_without_preamble_is_identified_by_its_instance_too(make_item: MakeItem) -> None:
    whole = encoded(PIXELS, SOPInstanceUID="1.2.7")

    names = named(make_item(whole, "a.dcm"), make_item(whole[132:], "b.dcm"))

    assert names[0] == names[1]


@pytest.mark.parametrize("content", [b"no DICOM", b"\x08\x00\x05\x00damaged", b""])
def test_the_pseudonym_of_any_other_file_comes_from_its_path(
    make_item: MakeItem, content: bytes
) -> None:
    item = make_item(content, "a.dcm")

    here, there = named(item, Item("sub/a.dcm", item.uri))

    assert here != there
    assert [here] == named(Item("a.dcm", "/gone/a.dcm"))


def test_uri_stamp_and_end_of_an_item_are_kept(tmp_path: Path) -> None:
    item = Item("DOE^JOHN/.hidden", str(tmp_path / ".hidden"))

    (entry,) = pseudonymise([Found(item, "7:7", Skipped(item, "hidden"))])

    assert (entry.item.uri, entry.stamp) == (item.uri, "7:7")
    assert entry.end == Skipped(entry.item, "hidden")
    assert len(entry.item.id) == 20


def test_another_key_gives_other_pseudonyms(monkeypatch: pytest.MonkeyPatch) -> None:
    item = Item("a", "/gone/a")
    monkeypatch.setenv(KEY_VARIABLE, "the first of two keys")
    first = named(item)
    monkeypatch.setenv(KEY_VARIABLE, "the second of two keys")

    assert named(item) != first


def test_the_first_run_makes_a_key_that_the_next_one_finds(home: Path) -> None:
    with pytest.warns(UserWarning, match=r"a key was made, .*privacy.key: keep it"):
        first = named(Item("a", "/gone/a"))

    path = home / ".config" / "diascope" / "privacy.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text()) == 64
    assert named(Item("a", "/gone/a")) == first


def test_a_key_that_could_not_be_written_is_made_by_the_next_run(home: Path) -> None:
    resource = pytest.importorskip("resource", reason="needs limits of a process")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(UsageError, match="cannot be kept: File too large"):
            named(Item("a", "/gone/a"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert named(Item("a", "/gone/a"))


def test_a_key_that_others_can_read_is_refused(home: Path) -> None:
    named(Item("a", "/gone/a"))
    path = home / ".config" / "diascope" / "privacy.key"
    path.chmod(0o644)

    with pytest.raises(UsageError, match=r"others can read the key\n  chmod 600"):
        named(Item("a", "/gone/a"))


def test_a_key_that_could_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "short")

    with pytest.raises(UsageError, match="at least 16 characters"):
        named(Item("a", "/gone/a"))


def test_a_key_may_be_random_bytes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / ".config" / "diascope" / "privacy.key"
    path.parent.mkdir(parents=True)
    path.touch(mode=0o600)
    path.write_bytes(b"\xff\x00\xfe9" * 8)
    kept = named(Item("a", "/gone/a"))
    monkeypatch.setenv(KEY_VARIABLE, "\udcff of a key that is long enough")

    assert kept != named(Item("a", "/gone/a"))


def test_a_user_without_a_home_needs_only_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", homeless)

    with pytest.raises(UsageError, match=f"there is no home folder.*\n  Set {KEY_VARIABLE}"):
        named(Item("a", "/gone/a"))
    monkeypatch.setenv(KEY_VARIABLE, "a key of the test, long enough")
    assert named(Item("a", "/gone/a"))


def homeless() -> Path:
    raise RuntimeError("Could not determine home directory.")


def test_a_home_that_cannot_be_written_is_an_error_with_a_hint(home: Path) -> None:
    home.write_text("no folder")

    with pytest.raises(UsageError, match=f"cannot be kept.*\n  Set {KEY_VARIABLE}"):
        named(Item("a", "/gone/a"))
