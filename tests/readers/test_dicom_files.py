"""DICOM files: every encoding gives the same pixels, and damage is reported with its place."""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread, encaps
from pydicom.pixels.decoders.base import JPEG2000LosslessDecoder, RLELosslessDecoder
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from diascope.errors import ReadError
from diascope.sample import Item
from tests.readers.dicoms import (
    GREY,
    RGB,
    dataset,
    encoded,
    library,
    only,
    read,
    without_meta,
    written,
)

Make = Callable[..., Item]
NATIVE = [
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]


def named(name: str) -> Item:
    return Item(name, str(next(path for path in library() if path.name == name)))


@pytest.mark.parametrize("syntax", NATIVE, ids=lambda syntax: syntax.keyword)
def test_every_native_syntax_gives_the_same_pixels(make_item: Make, syntax: UID) -> None:
    sample = only(make_item(encoded(GREY, syntax)))

    assert sample.pixels.dtype == np.uint16
    np.testing.assert_array_equal(sample.pixels[:, :, 0], GREY)


@pytest.mark.parametrize("syntax", NATIVE[:3], ids=lambda syntax: syntax.keyword)
def test_a_missing_transfer_syntax_is_inferred_with_a_trace_line(
    make_item: Make, syntax: UID
) -> None:
    sample = only(make_item(without_meta(encoded(GREY, syntax))))

    np.testing.assert_array_equal(sample.pixels[:, :, 0], GREY)
    expected = f"Transfer Syntax UID (0002,0010) is missing: {syntax.name} assumed from the bytes"
    assert expected in sample.trace


def test_a_file_without_preamble_is_read(make_item: Make) -> None:
    sample = only(make_item(encoded(GREY)[132:]))

    np.testing.assert_array_equal(sample.pixels[:, :, 0], GREY)


def test_elements_encoded_differently_from_the_transfer_syntax_are_read(make_item: Make) -> None:
    implicit = without_meta(encoded(GREY, ImplicitVRLittleEndian))
    explicit = encoded(GREY)
    head = explicit[: len(explicit) - len(without_meta(explicit))]

    sample = only(make_item(head + implicit))

    np.testing.assert_array_equal(sample.pixels[:, :, 0], GREY)


def test_compressed_pixels_are_decoded(make_item: Make) -> None:
    dicom = dataset(GREY)
    dicom.compress(RLELossless)

    np.testing.assert_array_equal(only(make_item(written(dicom))).pixels[:, :, 0], GREY)


def test_frames_without_an_offset_table_are_searched_once(
    make_item: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = np.random.default_rng(0).integers(0, 256, (5, 8, 9), dtype=np.uint8)
    dicom = dataset(film)
    dicom.compress(RLELossless)
    frames = list(encaps.generate_frames(dicom.PixelData, number_of_frames=len(film)))
    dicom.PixelData = encaps.encapsulate(frames, has_bot=False)
    monkeypatch.setattr(encaps, "parse_fragments", None)  # pydicom's own search, frame by frame

    pixels = [sample.pixels[:, :, 0] for sample in read(make_item(written(dicom)))]
    np.testing.assert_array_equal(pixels, film)


def test_all_frames_with_subsampled_colours_are_read(make_item: Make) -> None:
    stored = np.random.default_rng(0).integers(0, 256, (3, 4, 6, 2), dtype=np.uint8)
    tags = {"SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_FULL_422", "NumberOfFrames": 3}
    dicom = dataset(stored[..., 0], PlanarConfiguration=0, PixelData=stored.tobytes(), **tags)

    each = [sample.pixels for sample in read(make_item(written(dicom)))]
    alone = []
    for frame in stored:
        dicom.NumberOfFrames, dicom.PixelData = 1, frame.tobytes()
        alone.append(only(make_item(written(dicom))).pixels)

    np.testing.assert_array_equal(each, alone)


@pytest.mark.parametrize("syntax", NATIVE, ids=lambda syntax: syntax.keyword)
def test_colours_falsely_declared_as_subsampled_are_refused(make_item: Make, syntax: UID) -> None:
    content = encoded(RGB, syntax, PhotometricInterpretation="YBR_FULL_422")

    with pytest.raises(ReadError, match="YBR_FULL_422"):
        only(make_item(content))


@pytest.mark.parametrize(
    ("keyword", "tag"),
    [
        ("Rows", r"Rows \(0028,0010\) is missing"),
        ("PhotometricInterpretation", r"Photometric Interpretation \(0028,0004\) is missing"),
        ("PixelData", r"Pixel Data \(7FE0,0010\) is missing"),
        ("BitsStored", r"\(0028,0101\)"),
    ],
)
def test_a_missing_tag_is_named(make_item: Make, keyword: str, tag: str) -> None:
    with pytest.raises(ReadError, match=tag):
        read(make_item(encoded(GREY, **{keyword: None})))


def test_truncated_pixels_are_reported_as_truncated(make_item: Make) -> None:
    with pytest.raises(ReadError, match="truncated or damaged"):
        read(make_item(encoded(GREY)[:-8]))


def test_the_error_for_a_damaged_header_does_not_quote_it(make_item: Make) -> None:
    content = encoded(GREY, PatientName="MARKER^NAME")
    at = content.index(b"MARKER") - 2
    broken = content[:at] + struct.pack("<H", 60000) + content[at + 2 :]

    with pytest.raises(ReadError) as raised:
        read(make_item(broken))

    assert "MARKER" not in str(raised.value)


def test_an_invalid_number_of_frames_is_reported(make_item: Make) -> None:
    with pytest.raises(ReadError, match=r"Number of Frames \(0028,0008\) is not a whole number"):
        read(named("badVR.dcm"))


@pytest.mark.parametrize(
    "name", ["SC_rgb_jpeg_gdcm.dcm", "color3d_jpeg_baseline.dcm", "SC_rgb_small_odd_jpeg.dcm"]
)
def test_jpeg_colours_are_interleaved_whatever_the_header_says(make_item: Make, name: str) -> None:
    item = named(name)
    dicom = dcmread(item.uri)
    assert dicom.PlanarConfiguration == 0
    dicom.PlanarConfiguration = 1

    pixels = [only(each, frames=0).pixels for each in (item, make_item(written(dicom)))]
    np.testing.assert_array_equal(*pixels)


def test_a_transfer_syntax_without_decoder_is_reported(make_item: Make) -> None:
    dicom = dataset(GREY)
    dicom.compress(RLELossless)
    content = written(dicom)
    film = content.replace(b"1.2.840.10008.1.2.5\x00", b"1.2.840.10008.1.2.9\x00")

    with pytest.raises(ReadError, match="no decoder knows its transfer syntax"):
        read(make_item(film))


def test_a_transfer_syntax_that_is_not_known_is_quoted(make_item: Make) -> None:
    content = encoded(GREY).replace(b"1.2.840.10008.1.2.1\x00", b"JANE DOE.10008.1.2.1")

    with pytest.raises(ReadError, match=r"transfer syntax, 'JANE DOE.10008.1.2.1'$"):
        read(make_item(content))


def test_a_missing_decoder_is_reported_with_the_command_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(JPEG2000LosslessDecoder, "_available", {})

    with pytest.raises(ReadError) as raised:
        read(named("MR_small_jp2klossless.dcm"))

    assert "JPEG 2000 Image Compression (Lossless Only)" in str(raised.value)
    assert 'pip install "diascope[dicom]"' in str(raised.value)


def test_no_warning_reaches_the_terminal(
    capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    def attempt(item: Item) -> Any:
        try:
            return read(item, frames=0)
        except ReadError as error:
            return error

    for name in ("JPEG2000-embedded-sequence-delimiter.dcm", "bad_sequence.dcm", "badVR.dcm"):
        attempt(named(name))

    assert capfd.readouterr() == ("", "")
    assert list(recwarn) == []


@pytest.mark.parametrize(("dtype", "expected"), [("u2", 0x0ABC), ("i2", 0x0ABC - 0x1000)])
def test_unused_bits_are_ignored(make_item: Make, dtype: str, expected: int) -> None:
    pixels = np.full((3, 4), 0x5ABC, dtype=dtype)

    sample = only(make_item(encoded(pixels, BitsStored=12, HighBit=11)), window="none")

    assert sample.pixels[:, :, 0].tolist() == [[expected] * 4] * 3


def test_a_decoder_that_panics_fails_its_item_and_not_the_run(
    make_item: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Panic(BaseException):
        """The kind of exception that pyo3 raises for a panic in Rust."""

    def panics(source: bytes, runner: Any) -> bytes:
        raise Panic("index out of bounds")

    dicom = dataset(GREY)
    dicom.compress(RLELossless)
    monkeypatch.setattr(RLELosslessDecoder, "_available", {"pylibjpeg": panics})

    with pytest.raises(ReadError, match="cannot be decoded: index out of bounds"):
        read(make_item(written(dicom)))
