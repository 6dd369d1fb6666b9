"""Inputs by URI: archives, memory, object stores, and what is not installed."""

import errno
import sys
import tarfile
import zipfile
from pathlib import Path
from threading import Barrier
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry, known_implementations

from diascope import inputs
from diascope.errors import AddressError, UsageError
from diascope.inputs import find_items
from diascope.remote import remote_stamp
from diascope.sample import Failed, Found


def content(entry: Found) -> bytes:
    with entry.item.open() as file:
        return file.read()


def test_a_zip_archive_is_read_by_its_uri(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("x/one.png", b"1")
        archive.writestr("two.png", b"2")
    found = list(find_items([f"zip://::{tmp_path}/all.zip"]))
    assert [(entry.item.id, content(entry)) for entry in found] == [
        ("two.png", b"2"),
        ("x/one.png", b"1"),
    ]


def test_a_name_in_an_archive_that_is_not_utf8_fails_alone(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        for name in ("caf\udce9.png", "two.png"):
            archive.addfile(tarfile.TarInfo(name))
    bad, good = find_items([f"tar://::{tmp_path}/all.tar"])

    assert isinstance(bad.end, Failed)
    assert (bad.item.id, bad.end.reason[:26]) == (r"caf\xe9.png", "the file's name is not UTF")
    assert (good.item.id, good.end) == ("two.png", None)


def test_a_memory_uri_is_read(memory: MemoryFileSystem) -> None:
    for name in ("/photos/a.png", "/photos/b/c.png"):
        memory.pipe(name, name.encode())
    found = list(find_items(["memory://photos"]))
    assert [(entry.item.id, content(entry)) for entry in found] == [
        ("a.png", b"/photos/a.png"),
        ("b/c.png", b"/photos/b/c.png"),
    ]


@pytest.mark.parametrize("glob", ["a*.png", "?b.png", "[a]b.png"])
def test_a_remote_glob_gives_ids_relative_to_its_fixed_part(
    memory: MemoryFileSystem, glob: str
) -> None:
    memory.pipe("/photos/ab.png", b"1")
    assert [entry.item.id for entry in find_items([f"memory://photos/{glob}"])] == ["ab.png"]


def test_a_file_whose_name_looks_like_a_glob_is_found_by_it(
    memory: MemoryFileSystem, tmp_path: Path
) -> None:
    memory.pipe("/photos/scan[1].png", b"1")
    memory.pipe("/photos/scan1.png", b"2")
    listed = tmp_path / "list.txt"
    listed.write_text("memory://photos/scan[1].png\n")
    (found,) = find_items([], [listed])
    assert (found.end, content(found)) == (None, b"1")
    assert [entry.item.id for entry in find_items(["memory://photos/scan[1].png"])] == [
        "scan[1].png"
    ]


def test_an_address_of_a_list_where_nothing_exists_fails_alone(
    memory: MemoryFileSystem, tmp_path: Path
) -> None:
    memory.pipe("/photos/a.png", b"1")
    listed = tmp_path / "list.txt"
    listed.write_text("memory://photos/gone.png\nmemory://photos/a.png\n")
    gone, there = find_items([], [listed])
    assert isinstance(gone.end, Failed)
    assert "there is nothing at memory://photos/gone.png" in gone.end.reason
    assert (there.end, content(there)) == (None, b"1")


def test_an_empty_object_named_like_a_folder_does_not_hide_the_folders_files(
    memory: MemoryFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some tools mark a folder of a store by one, where both may have one name."""
    info = MemoryFileSystem.info
    memory.pipe("/photos/a.png", b"1")

    def told(self: MemoryFileSystem, path: str, **options: Any) -> Any:
        marker = {"name": path, "size": 0, "type": "file"}
        return marker if path == "/photos" else info(self, path, **options)

    monkeypatch.setattr(MemoryFileSystem, "info", told)
    found = [entry.item.id for entry in find_items(["memory://photos"])]
    assert found == ["a.png"]


def test_addresses_of_a_list_in_a_store_are_looked_up_in_parallel_and_keep_their_order(
    memory: MemoryFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number}.png" for number in range(8)]
    for name in names:
        memory.pipe(f"/photos/{name}", b"1")
    info, together = MemoryFileSystem.info, Barrier(8, timeout=10)

    def told(self: MemoryFileSystem, path: str, **options: Any) -> Any:
        together.wait()
        return info(self, path, **options)

    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"memory://photos/{name}\n" for name in names))
    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "info", told)
        patch.setattr(inputs, "_STORES", ("memory://",))
        found = list(find_items([], [listed]))
    assert not together.broken
    assert [entry.item.uri for entry in found] == [f"memory://photos/{name}" for name in names]


def test_an_unreachable_file_system_stops_the_run_instead_of_failing_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object, **__: object) -> None:
        raise ConnectionError("no network")

    monkeypatch.setattr(MemoryFileSystem, "find", lost)
    listed = tmp_path / "list.txt"
    listed.write_text("memory://photos/a.png\n")
    with pytest.raises(UsageError, match=r"cannot be reached: ConnectionError: no network"):
        list(find_items([], [listed]))


class ClientError(Exception):
    """Holds the response of S3, as botocore's error of this name does."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__("in the server's own words")
        self.response = {
            "Error": {"Code": code},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }


@pytest.mark.parametrize(
    ("status", "code", "refused", "hint"),
    [
        (400, "ExpiredToken", UsageError, "Renew the store's credentials"),
        (403, "InvalidAccessKeyId", UsageError, "Renew the store's credentials"),
        (503, "SlowDown", UsageError, "Try again later"),
        (500, "InternalError", UsageError, "Try again later"),
        (403, "AccessDenied", AddressError, ""),
    ],
)
def test_an_s3_error_of_credentials_or_load_is_not_an_error_of_the_address(
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: str,
    refused: type[UsageError],
    hint: str,
) -> None:
    def answered(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "translated") from ClientError(status, code)

    monkeypatch.setattr(MemoryFileSystem, "find", answered)
    with pytest.raises(UsageError, match=rf"{status} .+ \({code}\)") as error:
        list(find_items(["memory://photos/a.png"]))
    assert type(error.value) is refused
    assert hint in error.value.hint


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("zip://a.png::no-archive.png", "BadZipFile"),
        ("foo://x/x.png", "Protocol not known: foo"),
        ("memory://closed/a.png", "cannot be listed: Permission denied"),
    ],
)
def test_a_wrong_address_of_a_list_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, reason: str
) -> None:
    find = MemoryFileSystem.find

    def closed(self: MemoryFileSystem, path: str, **options: Any) -> Any:
        if "closed" in path:
            raise PermissionError(errno.EACCES, "Permission denied")
        return find(self, path, **options)

    monkeypatch.setattr(MemoryFileSystem, "find", closed)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "no-archive.png").write_bytes(b"1")
    listed = tmp_path / "list.txt"
    listed.write_text(f"{line}\nno-archive.png\n")
    wrong, sound = find_items([], [listed])
    assert isinstance(wrong.end, Failed)
    assert reason in wrong.end.reason
    assert (sound.end, content(sound)) == (None, b"1")


def hide(monkeypatch: pytest.MonkeyPatch, module: str, scheme: str) -> None:
    """Make a package seem not installed, also if other tests have used its file system."""
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(_registry, scheme, raising=False)
    needing = known_implementations[scheme]["class"].rpartition(".")[0]
    if needing != module:
        monkeypatch.delitem(sys.modules, needing, raising=False)


def test_a_list_of_a_file_system_that_is_not_installed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(monkeypatch, "s3fs", "s3")
    (tmp_path / "list.txt").write_text("s3://bucket/a.png\n")
    with pytest.raises(UsageError, match="s3:// is not installed"):
        list(find_items([], [tmp_path / "list.txt"]))


class Listing(MemoryFileSystem):  # type: ignore[misc]
    """Gives other information on a file after listing its folder, as that of S3 does."""

    protocol = "listing"
    listed = False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.replace("listing://", "memory://")))

    def find(self, path: str, **options: Any) -> Any:
        Listing.listed = True
        return super().find(path, **options)

    def info(self, path: str, **options: Any) -> Any:
        return super().info(path, **options) | ({"Key": path} if Listing.listed else {})

    def invalidate_cache(self, path: str | None = None) -> None:
        Listing.listed = False


def test_a_file_has_one_stamp_whether_its_folder_was_listed_or_not() -> None:
    fsspec.register_implementation("listing", Listing, clobber=True)
    fsspec.filesystem("listing").pipe("/photos/a.png", b"1")
    before = remote_stamp("listing://photos/a.png")
    assert [entry.item.id for entry in find_items(["listing://photos"])] == ["a.png"]
    assert before
    assert remote_stamp("listing://photos/a.png") == before
    fsspec.filesystem("listing").rm("/photos", recursive=True)


@pytest.mark.parametrize(
    ("uri", "module", "command"),
    [
        ("s3://bucket/photos/", "s3fs", 'pip install "diascope[s3]"'),
        ("s3a://bucket/photos/", "s3fs", 'pip install "diascope[s3]"'),
        ("https://host/a.png", "aiohttp", 'pip install "diascope[http]"'),
        ("gs://bucket/photos/", "gcsfs", "pip install gcsfs"),
        ("zip://*.png::gs://bucket/all.zip", "gcsfs", "pip install gcsfs"),
        ("smb://host/photos/", "smbclient", ""),  # of the package smbprotocol, as fsspec says
    ],
)
def test_a_missing_file_system_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, uri: str, module: str, command: str
) -> None:
    scheme = uri.rpartition("::")[2].partition(":")[0]
    hide(monkeypatch, module, scheme)
    with pytest.raises(UsageError, match=f"^{scheme}:// is not installed") as error:
        list(find_items([uri]))
    assert error.value.hint == command
