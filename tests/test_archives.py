"""Files in archives, read by several threads at once."""

import gc
import os
import random
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileOpener

from diascope.inputs import find_items
from diascope.sample import Item

SIZE = 100_000


def test_threads_reading_one_tar_get_the_content_of_their_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = [b"a" * SIZE, b"b" * SIZE]
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        for number, content in enumerate(contents):
            entry = tarfile.TarInfo(str(number))
            entry.size = SIZE
            archive.addfile(entry, BytesIO(content))
    uris = [f"tar://{number}::{tmp_path}/all.tar" for number in range(2)]
    files = [Item(uri, uri).open() for uri in uris]
    both, seek = Barrier(2), LocalFileOpener.seek

    def seek_and_wait(opener: LocalFileOpener, *args: Any) -> int:
        place: int = seek(opener, *args)
        with suppress(BrokenBarrierError):  # of threads that take turns, one waits in vain
            both.wait(0.2)
        return place

    monkeypatch.setattr(LocalFileOpener, "seek", seek_and_wait)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda file: file.read(), files)) == contents


def test_a_file_stays_open_however_many_archives_follow(tmp_path: Path) -> None:
    files = []
    for number in range(8):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a", bytes(SIZE))
        files.append(Item("a", f"zip://a::{path}").open())
    gc.collect()
    assert [len(file.read()) for file in files] == [SIZE] * 8


def test_seeking_back_and_forth_unpacks_a_file_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = random.Random(0).randbytes(SIZE)
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("film", content)
    file = Item("film", f"zip://film::{tmp_path}/all.zip").open()
    unpacked, read = [0], LocalFileOpener.read

    def counted(opener: LocalFileOpener, *args: Any) -> bytes:
        found: bytes = read(opener, *args)
        unpacked[0] += len(found)
        return found

    monkeypatch.setattr(LocalFileOpener, "read", counted)
    for start in range(0, SIZE, 10_000):  # frame by frame, as pydicom does
        file.seek(0)
        file.seek(start, os.SEEK_CUR)
        assert file.read(10_000) == content[start : start + 10_000]
    assert unpacked[0] < 1.1 * SIZE
    assert file.seek(-10, os.SEEK_END) == SIZE - 10
    assert file.read() == content[-10:]


@pytest.mark.parametrize("suffix", ["tgz", "TGZ", "tar.gz", "tbz2", "txz"])
def test_a_compressed_tar_archive_is_read_by_its_short_suffix_too(
    tmp_path: Path, suffix: str
) -> None:
    mode = {"tbz2": "w:bz2", "txz": "w:xz"}.get(suffix, "w:gz")
    with tarfile.open(tmp_path / f"all.{suffix}", mode) as archive:
        for name in ("a", "b"):
            member = tarfile.TarInfo(name)
            member.size = 1
            archive.addfile(member, BytesIO(name.encode()))
    found = list(find_items([f"tar://::{tmp_path}/all.{suffix}"]))
    assert [entry.item.open().read() for entry in found] == [b"a", b"b"]
