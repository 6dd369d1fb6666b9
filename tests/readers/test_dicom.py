"""The DICOM reader as a plugin: what it recognises, how lazily it reads, and what it skips."""

import io
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

from diascope.errors import NoPictureError, ReadError
from diascope.plugins import find_plugins
from diascope.preparation import Part, Preparation
from diascope.readers.dicom import DicomReader
from diascope.readers.dicom_samples import read_samples
from diascope.readers.image import ImageReader
from diascope.sample import Item, Sample, Skipped
from diascope.testing import check_reader
from tests.readers.dicoms import (
    GREY,
    dataset,
    encoded,
    library,
    only,
    read,
    without_meta,
    written,
)

Make = Callable[..., Item]
FILM = np.arange(1000 * 4 * 6, dtype=np.uint16).reshape(1000, 4, 6)


def test_it_keeps_the_contract_of_a_reader(make_item: Make) -> None:
    good = make_item(encoded(GREY), "good.dcm")
    bad = make_item(encoded(GREY)[:-10], "bad.dcm")

    check_reader(DicomReader(), Path(good.uri), Path(bad.uri))


def test_sniff_is_certain_of_a_preamble_whatever_the_file_name() -> None:
    assert DicomReader().sniff("IM000001", encoded(GREY)[:4096]) == 90


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, None, ExplicitVRBigEndian])
def test_sniff_recognises_a_file_without_preamble_by_its_first_element(syntax: str | None) -> None:
    content = encoded(GREY, syntax) if syntax else encoded(GREY)

    assert DicomReader().sniff("IM000001", without_meta(content)) == 60
    assert ImageReader().sniff("IM000001", without_meta(content)) == 0


def test_sniff_gives_an_extension_alone_a_low_score() -> None:
    assert DicomReader().sniff("notes.dcm", b"only words, no picture") == 10


@pytest.mark.parametrize(
    "head", [b"", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"\xff\xd8\xff\xe0", b"\x08"]
)
def test_sniff_rejects_photographs_and_fragments(head: bytes) -> None:
    assert DicomReader().sniff("a", head) == 0


def test_a_file_named_dcm_that_is_text_fails_with_that_reason(make_item: Make) -> None:
    with pytest.raises(ReadError, match="not DICOM"):
        read(make_item(b"only words, no picture", "notes.dcm"))


def test_frames_come_one_by_one_and_numbered(make_item: Make) -> None:
    found = read(make_item(encoded(FILM[:3])))

    assert [sample.frame for sample in found] == [0, 1, 2]
    for sample, frame in zip(found, FILM, strict=False):
        np.testing.assert_array_equal(sample.pixels[:, :, 0], frame)


def test_a_frame_is_decoded_only_when_it_is_requested(make_item: Make) -> None:
    dicom = dataset(FILM[:2])
    dicom.compress(RLELossless)
    content = written(dicom)
    frames = DicomReader().read(make_item(content[:-80] + bytes(80)))

    assert next(frames).frame == 0
    with pytest.raises(ReadError, match="RLE"):
        next(frames)


@pytest.mark.parametrize(("frames", "expected"), [(7, 7), ("middle", 500)])
def test_one_frame_of_a_thousand_is_read_without_the_others(frames: int, expected: int) -> None:
    class Counted(io.BytesIO):
        read_bytes = 0

        def read(self, size: int | None = -1) -> bytes:
            content = super().read(size)
            self.read_bytes += len(content)
            return content

    content = encoded(FILM)
    file = Counted(content)
    (sample,) = read_samples(file, Item("a", "a"), "first", frames)

    np.testing.assert_array_equal(sample.pixels[:, :, 0], FILM[expected])
    assert sample.frame == expected
    assert f"frame {expected} of 1000, counted from 0" in sample.trace
    assert file.read_bytes < len(content) / 10


def test_a_frame_beyond_the_last_is_refused_with_the_count(make_item: Make) -> None:
    with pytest.raises(ReadError, match=r"asks for frame 3.*the file has 2"):
        read(make_item(encoded(FILM[:2])), frames=3)


def test_reading_from_an_archive_equals_reading_from_a_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("IM1", encoded(GREY))

    sample = only(Item("IM1", f"zip://IM1::{tmp_path}/a.zip"))

    np.testing.assert_array_equal(sample.pixels[:, :, 0], GREY)


@pytest.mark.parametrize("name", ["DICOMDIR", "test-SR.dcm", "waveform_ecg.dcm", "rtplan.dcm"])
def test_an_object_without_pixels_is_skipped_with_its_kind(name: str) -> None:
    path = next(path for path in library() if path.name == name)
    readers = tuple(
        Part(plugin, reader)
        for plugin in find_plugins()
        for reader in (DicomReader(), ImageReader())
        if plugin.target.endswith(type(reader).__name__)
    )

    (end,) = Preparation(readers, (), block=1).prepare(Item(name, str(path)))

    assert isinstance(end, Skipped)
    assert "DICOM" in end.reason


def test_a_skipped_report_names_its_kind(make_item: Make) -> None:
    content = encoded(GREY, PixelData=None, Rows=None, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")

    with pytest.raises(NoPictureError, match="Basic Text SR Storage"):
        read(make_item(content))


@pytest.mark.parametrize("parameters", [{"window": 0}, {"frames": -1}])
def test_a_number_out_of_range_is_refused_when_the_recipe_is_read(
    parameters: dict[str, int],
) -> None:
    with pytest.raises(ValueError, match="counts from"):
        DicomReader(**parameters)


def test_without_pydicom_the_reason_says_what_to_install(
    make_item: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = make_item(encoded(GREY))
    monkeypatch.setitem(sys.modules, "diascope.readers.dicom_samples", None)

    with pytest.raises(ReadError, match=r'pip install "diascope\[dicom\]"'):
        read(item)


def test_samples_carry_facts_spacing_and_range(make_item: Make) -> None:
    sample = only(make_item(encoded(GREY, Modality="DX", PixelSpacing=[0.2, 0.3])))

    assert isinstance(sample, Sample)
    assert sample.facts == {"modality": "DX"}
    assert sample.spacing_mm == (0.2, 0.3)
    assert sample.range == (0.0, 2300.0)
