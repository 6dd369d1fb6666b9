"""Files of an archive, opened by several threads or after it was forgotten."""

import gc
import io
import tarfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from diascope import archives
from diascope.sample import Item


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_file_is_read_to_its_end_though_its_archive_is_forgotten(
    tmp_path: Path, kind: str
) -> None:
    (tmp_path / "one.bin").write_bytes(bytes(range(256)) * 400)
    path = tmp_path / f"all.{kind}"
    if kind == "tar":
        with tarfile.open(path, "w") as tar:
            tar.add(tmp_path / "one.bin", "one.bin")
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(tmp_path / "one.bin", "one.bin")
    with Item("one", f"{kind}://one.bin::{path}").open() as file:
        assert file.read(2) == b"\0\1"
        archives._archive.cache_clear()
        gc.collect()
        assert file.seek(255) == 255
        assert file.read() == bytes([255, *bytes(range(256)) * 399])


def test_of_a_tar_archive_one_thread_reads_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Place(io.BytesIO):
        reading, together = 0, 0

        def read(self, *size: Any) -> bytes:
            Place.reading += 1
            time.sleep(0.01)
            Place.together = max(Place.together, Place.reading)
            Place.reading -= 1
            return super().read(*size)

    class System:
        def open(self, name: str, mode: str) -> Place:
            return Place(name.encode())

    monkeypatch.setattr("fsspec.core.url_to_fs", lambda _: (System(), ""))

    def content(name: str) -> bytes:
        with Item(name, f"tar://{name}::none.tar").open() as file:
            return file.read()

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(content, "abcd")) == [b"a", b"b", b"c", b"d"]
    archives._archive.cache_clear()
    assert Place.together == 1
