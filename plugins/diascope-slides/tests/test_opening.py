"""Remote slides are fetched, and nothing of them remains."""

import errno
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from PIL import Image

from diascope.errors import ReadError
from diascope.sample import Item, Sample
from diascope_slides.reader import SlideReader

Make = Callable[..., Any]
NOISE = np.random.default_rng(1).integers(0, 256, (320, 448, 3), dtype=np.uint8)


def read(item: Item) -> list[Sample]:
    return list(SlideReader(tissue=0, tile=64).read(item))


@pytest.fixture
def archived(make_slide: Make, tmp_path: Path) -> Item:
    """Return a slide in an archive."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(make_slide(NOISE).uri, "inner.tif")
    return Item("a", f"zip://inner.tif::{tmp_path}/a.zip")


def test_a_slide_in_an_archive_is_fetched_with_a_trace_line(
    make_slide: Make, archived: Item
) -> None:
    there = read(archived)

    assert there[0].trace[0] == "fetched to a temporary file"
    assert np.array_equal(there[3].pixels, read(make_slide(NOISE))[3].pixels)


@pytest.mark.parametrize(
    ("name", "sure"),
    [("a.SVS", 100), ("a.ndpi?signature=b", 100), ("a.ome.tiff::s3://b/c.zip", 100), ("a.tif", 30)],
)
def test_a_remote_tiff_is_recognised_by_its_first_bytes_or_its_name(name: str, sure: int) -> None:
    assert SlideReader().sniff(f"zip://{name}", b"II*\x00" + bytes(4092)) == sure


def test_a_slide_that_cannot_be_fetched_fails_with_the_message_of_its_file_system(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.zip").write_bytes(b"no archive")
    with pytest.raises(ReadError, match="cannot be fetched: BadZipFile: File is not a zip file"):
        read(Item("a", f"zip://inner.tif::{tmp_path}/a.zip"))


def test_a_full_disk_for_temporary_files_is_reported_as_such(
    archived: Item, real_slide: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    for item in (archived, real_slide("tcga_tiles.dcm")):  # of one the header is completed
        with pytest.raises(
            ReadError, match="no room for a copy of it in the folder for temporary files"
        ):
            read(item)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at Linux's open files")
def test_nothing_of_a_remote_slide_remains_on_disk(
    archived: Item, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "fetched"))
    (tmp_path / "fetched").mkdir()
    read(archived)
    files = [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]

    assert not [file for file in files if "fetched" in file]
    assert not list((tmp_path / "fetched").iterdir())


def test_a_slide_with_a_signed_address_is_fetched(make_slide: Make) -> None:
    slide = make_slide(NOISE)
    uri = f"memory://a.tif?X-Amz-Security-Token={'a' * 400}&X-Amz-Signature=b"
    with fsspec.open(uri, "wb") as file:
        file.write(Path(slide.uri).read_bytes())
    assert np.array_equal(read(Item("a", uri))[3].pixels, read(slide)[3].pixels)
    fsspec.filesystem("memory").rm("/", recursive=True)


def test_a_remote_mrxs_slide_cannot_be_fetched(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="a file and a folder"):
        read(Item("a", "s3://bucket/a.mrxs"))


@pytest.mark.parametrize("name", ["a.mrxs", "a? b.mrxs"])
def test_an_mrxs_slide_without_its_folder_is_not_a_photo(tmp_path: Path, name: str) -> None:
    Image.fromarray(NOISE).save(tmp_path / name, "JPEG")
    path = str(tmp_path / name)

    assert SlideReader().sniff(path, Path(path).read_bytes()[:4096]) == 100
    with pytest.raises(ReadError, match="the folder is missing"):
        read(Item("a", path))
