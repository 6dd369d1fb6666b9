"""DICOM whole slides: a series is one slide, and an incomplete header is completed."""

import gc
import shutil
import tempfile
import threading
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread, examples

from diascope.errors import NoPictureError, ReadError
from diascope.library_warnings import capture_warnings
from diascope.sample import Item
from diascope_slides.backends import dicom, dicom_header_repair, dicom_series
from diascope_slides.backends.dicom import DicomSlide
from diascope_slides.backends.dicom_header_repair import repair_header
from diascope_slides.options import Assume
from diascope_slides.reader import SlideReader

Make = Callable[..., Any]
NAME = "tcga_tiles.dcm"
ASSUMED = SlideReader(missing=Assume(0.5))
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # the file's own names are long


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for temporary files."""
    folder = tmp_path / "copies"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_slide_is_recognised_by_its_sop_class_and_other_dicom_is_not(real_slide: Make) -> None:
    slide, tomogram = Path(real_slide(NAME).uri), Path(str(examples.get_path("ct")))

    assert ASSUMED.sniff("IM0001", slide.read_bytes()[:4096]) == 100
    assert ASSUMED.sniff("IM0001.dcm", tomogram.read_bytes()[:4096]) == 0


def test_an_incomplete_header_is_completed_with_trace_lines(real_slide: Make) -> None:
    first, *_ = ASSUMED.read(real_slide(NAME))

    assert first.trace[:5] == (
        "its colours are YCbCr, though its header says RGB",
        "ImageType is missing: taken for a level of a slide",
        "it is not stated where its frames lie: column by column, as their padding tells",
        "PixelSpacing is missing",
        "spacing assumed 0.5 um from the recipe",
    )
    assert first.overview is not None
    assert first.overview.size == (2638, 3236)


@pytest.mark.parametrize("keyword", ["Rows", "TotalPixelMatrixRows"])
def test_several_numbers_instead_of_one_are_reported_as_damage(
    make_dicom: Make, keyword: str
) -> None:
    with pytest.raises(ReadError, match="truncated or damaged: TypeError"):
        next(SlideReader().read(make_dicom(**{keyword: [1, 2, 3]})))


@pytest.mark.parametrize("stated", [[0, 0], [0.0005, 0], ["", ""], [0.0005]])
def test_a_spacing_that_is_not_two_lengths_is_ignored(make_dicom: Make, stated: list[Any]) -> None:
    shared, measures = Dataset(), Dataset()
    measures.PixelSpacing = stated
    shared.PixelMeasuresSequence = [measures]
    item = make_dicom(SharedFunctionalGroupsSequence=[shared])
    first, *_ = SlideReader(missing=Assume(0.5), tissue=0).read(item)

    assert first.trace[:2] == (
        "PixelSpacing holds no two lengths",
        "spacing assumed 0.5 um from the recipe",
    )


def test_frames_fit_together_and_glass_is_white(real_slide: Make) -> None:
    slide = DicomSlide(Path(real_slide(NAME).uri))
    pixels = slide.region(0, 0, 600, 3236, 300).astype(np.int16)
    slide.close()
    steps = np.abs(np.diff(pixels, axis=1)).mean(axis=(0, 2))

    assert steps[499::500].mean() < 1.5 * np.median(steps)
    assert (np.quantile(pixels, 0.9, axis=(0, 1)) > 230).all()


def test_a_slide_without_spacing_fails(real_slide: Make) -> None:
    with pytest.raises(ReadError, match="does not state its spacing"):
        next(SlideReader().read(real_slide(NAME)))


def test_a_truncated_file_fails_with_a_position(real_slide: Make, tmp_path: Path) -> None:
    path = tmp_path / "cut.dcm"
    path.write_bytes(Path(real_slide(NAME).uri).read_bytes()[:900_000])

    with pytest.raises(ReadError, match="truncated or damaged"):
        list(ASSUMED.read(Item("cut.dcm", str(path))))


def test_the_files_of_a_series_are_one_slide_and_the_finest_stands_for_it(
    real_slide: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wsidicom import WsiDicom

    whole = repair_header(Path(real_slide(NAME).uri))
    assert whole is not None
    with WsiDicom.open(whole.path) as slide:
        slide.save(tmp_path, include_levels=[0, 1, 2], add_missing_levels=True)
    whole.path.unlink()
    files = sorted(tmp_path.iterdir(), key=_pixels)
    (tmp_path / "notes.txt").write_text("no slide")
    *_, finest = files
    series = DicomSlide(finest)

    assert [level.downsample for level in series.levels] == [(1, 1), (2, 2), (4, 4)]
    assert series.spacing_um == pytest.approx((1, 1))
    series.close()
    with pytest.raises(NoPictureError, match=f"a part of the slide '{finest.name}'"):
        next(SlideReader().read(Item("part", str(files[0]))))

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(files[0], "part.dcm")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # the others lie where it is fetched to
    alone = Item("part", f"zip://part.dcm::{tmp_path}/a.zip")
    assert next(SlideReader(spacing_um=4).read(alone)).item == alone


def test_a_level_is_used_whatever_its_tile_size_and_spacing(
    make_dicom: Make,
) -> None:
    fine = make_dicom(tiles=6)
    make_dicom("half.dcm", tiles=3)
    make_dicom("sixth.dcm", tiles=1, Rows=32, Columns=32, NumberOfFrames=4)
    slide = DicomSlide(Path(fine.uri))

    assert [level.downsample for level in slide.levels] == [(1, 1), (2, 2), (6, 6)]
    slide.close()


def test_a_copy_of_a_file_in_its_folder_is_skipped(make_dicom: Make, tmp_path: Path) -> None:
    first = make_dicom("a.dcm")
    copy = shutil.copy(first.uri, tmp_path / "b.dcm")

    assert len(list(SlideReader(tile=64, tissue=0).read(first))) == 4
    with pytest.raises(NoPictureError, match=r"a part of the slide 'a\.dcm', and read with it"):
        next(SlideReader().read(Item("b.dcm", str(copy))))


def test_a_slide_with_a_missing_part_fails_instead_of_being_half_white(make_dicom: Make) -> None:
    parts = {"ConcatenationUID": "1.9", "InConcatenationTotalNumber": 3}
    first, second = (
        make_dicom(
            f"{part}.dcm",
            SOPInstanceUID=f"1.9.{part}",
            ConcatenationFrameOffsetNumber=part,
            **parts,
        )
        for part in (0, 2)
    )

    with pytest.raises(ReadError, match="files of this slide are missing: 1"):
        next(SlideReader().read(first))
    with pytest.raises(NoPictureError, match=r"a part of the slide '0\.dcm'"):
        next(SlideReader().read(second))


def test_a_neighbouring_file_that_cannot_be_opened_does_not_fail_a_slide(
    real_slide: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = tmp_path / "mine.dcm", tmp_path / "other.dcm"
    for path in (mine, other):
        shutil.copy(real_slide(NAME).uri, path)

    def refused(path: Path) -> bool:
        if path == other:
            raise PermissionError("it is locked")
        return True

    monkeypatch.setattr(dicom_series, "_is_slide", refused)
    assert dicom_series.find_series(mine).files == (mine,)


def test_a_neighbouring_file_with_a_damaged_header_does_not_fail_a_slide(make_dicom: Make) -> None:
    sound, damaged = (make_dicom(f"{uid}.dcm", SeriesInstanceUID=uid) for uid in "12")
    content, width = Path(damaged.uri).read_bytes(), bytes.fromhex("4800 0600") + b"UL"
    Path(damaged.uri).write_bytes(content.replace(width, width[:4] + b"LO"))

    assert len(list(SlideReader(tile=64, tissue=0).read(sound))) == 4
    with pytest.raises(ReadError, match="truncated or damaged"):
        next(SlideReader().read(damaged))


def test_a_slide_that_is_opened_keeps_no_warning_from_another_thread(
    make_dicom: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = make_dicom()
    mine, of_header = threading.Barrier(2, timeout=5), dicom._header

    def slow(path: Path) -> Any:
        mine.wait()
        mine.wait()
        return of_header(path)

    monkeypatch.setattr(dicom, "_header", slow)
    opening = threading.Thread(target=lambda: DicomSlide(Path(item.uri)).close())
    with capture_warnings() as caught:
        opening.start()
        mine.wait()
        warnings.warn("a picture's bytes are odd", stacklevel=1)
        mine.wait()
        opening.join()

    assert [str(each.message) for each in caught] == ["a picture's bytes are odd"]


def test_a_copy_with_a_complete_header_is_deleted_when_the_slide_is_closed(
    real_slide: Make, copies: Path
) -> None:
    slide = DicomSlide(Path(real_slide(NAME).uri))
    (copy,) = copies.iterdir()

    assert dcmread(copy, stop_before_pixels=True).ImageType[2] == "VOLUME"
    slide.close()
    assert not copy.exists()


def test_a_copy_goes_with_a_slide_that_nobody_closed(real_slide: Make, copies: Path) -> None:
    slide = DicomSlide(Path(real_slide(NAME).uri))
    assert list(copies.iterdir())
    del slide
    gc.collect()
    assert not list(copies.iterdir())


def test_a_copy_is_closed_before_it_is_opened_by_name_which_windows_demands(
    real_slide: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, original = [], tempfile.NamedTemporaryFile

    def make(**options: Any) -> Any:
        files.append(original(**options))
        return files[0]

    monkeypatch.setattr(dicom_header_repair, "NamedTemporaryFile", make)
    whole = repair_header(Path(real_slide(NAME).uri))
    assert whole is not None
    assert files[0].closed
    whole.path.unlink()


def test_a_copy_that_could_not_be_written_completely_is_deleted(
    real_slide: Make, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(dicom_header_repair, "dcmwrite", write)
    with pytest.raises(OSError, match="the disk is full"):
        repair_header(Path(real_slide(NAME).uri))
    assert not list(copies.iterdir())


def test_a_header_without_a_size_is_refused(real_slide: Make, tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    shutil.copyfile(real_slide(NAME).uri, path)
    dataset = dcmread(path)
    del dataset.TotalPixelMatrixRows
    dataset.save_as(path)

    with pytest.raises(ReadError, match="its DICOM header lacks TotalPixelMatrixRows"):
        next(ASSUMED.read(Item("a", str(path))))


def _pixels(path: Path) -> int:
    return int(dcmread(path, stop_before_pixels=True).TotalPixelMatrixColumns)
