"""High Bit: a value is the same at any position in its word that the header states."""

from collections.abc import Callable

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from diascope.errors import ReadError
from diascope.readers.dicom_stored_bits import BitLayout
from diascope.sample import Item
from tests.readers.dicoms import dataset, encoded, only, read, written

Make = Callable[..., Item]
VALUES = np.arange(0, 4080, 170, dtype=np.uint16).reshape(4, 6)


@pytest.mark.parametrize("high", [11, 13, 15])
@pytest.mark.parametrize("signed", [False, True])
def test_a_value_is_the_same_at_any_position_in_its_word(
    make_item: Make, high: int, signed: bool
) -> None:
    values = VALUES.astype(np.int16) - 2048 if signed else VALUES
    words = values.view(np.uint16) << (high - 11) | (1 << (high - 11)) - 1

    sample = only(
        make_item(encoded(words.view(values.dtype), BitsStored=12, HighBit=high)), window="none"
    )

    np.testing.assert_array_equal(sample.pixels[:, :, 0], values)
    assert sample.range == ((-2048.0, 2047.0) if signed else (0.0, 4095.0))


def test_words_that_were_compressed_byte_by_byte_are_read_alike(make_item: Make) -> None:
    dicom = dataset(VALUES << 4, BitsStored=12, HighBit=15)
    dicom.compress(RLELossless)

    np.testing.assert_array_equal(only(make_item(written(dicom))).pixels[:, :, 0], VALUES)


@pytest.mark.parametrize("signed", [False, True])
def test_jpeg_ls_keeps_whole_words_with_their_unused_bits(make_item: Make, signed: bool) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    values = VALUES.astype(np.int16) - 2048 if signed else VALUES
    words = values.view(np.uint16) & 0x0FFF | (0 if signed else 0x5000)
    dicom = dataset(words.view(values.dtype), BitsStored=12, HighBit=11)
    dicom.PixelData = encapsulate([imagecodecs.jpegls_encode(words)])
    dicom.file_meta.TransferSyntaxUID = JPEGLSLossless

    np.testing.assert_array_equal(only(make_item(written(dicom))).pixels[:, :, 0], values)


def test_values_of_a_codec_with_its_own_precision_are_shifted_only_if_too_large() -> None:
    place = BitLayout(12, 4, reliable=False)

    np.testing.assert_array_equal(place.extract(VALUES << 4)[0], VALUES)
    assert place.extract(VALUES) == (VALUES, "")


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
@pytest.mark.parametrize("signed", [False, True])
def test_the_trace_counts_the_pixels_with_other_bits(
    make_item: Make, signed: bool, syntax: UID
) -> None:
    values = VALUES.astype(np.int16) - 2048 if signed else VALUES
    words = values.view(np.uint16) & 0x0FFF
    words[0, :2] |= 0x5000
    dicom = dataset(words.view(values.dtype), BitsStored=12, HighBit=11)
    if syntax == RLELossless:
        dicom.compress(RLELossless)

    sample = only(make_item(written(dicom)))

    np.testing.assert_array_equal(sample.pixels[:, :, 0], values)
    assert "2 pixels have bits beside those of Bits Stored (0028,0101): left out" in sample.trace


@pytest.mark.parametrize("high", [11, 15])
@pytest.mark.parametrize("extended", [False, True])
def test_unused_bits_without_content_are_not_mentioned(
    make_item: Make, high: int, extended: bool
) -> None:
    values = VALUES.astype(np.int16) - 2048 if extended or high == 11 else VALUES
    words = values if extended else values & 0x0FFF

    sample = only(make_item(encoded(words << (high - 11), BitsStored=12, HighBit=high)))

    np.testing.assert_array_equal(sample.pixels[:, :, 0], values)
    assert "beside" not in " ".join(sample.trace)


@pytest.mark.parametrize("high", [12, 15])
def test_values_in_the_lowest_bits_are_not_truncated_by_a_wrong_high_bit(
    make_item: Make, high: int
) -> None:
    sample = only(make_item(encoded(VALUES + 3, BitsStored=12, HighBit=high)), window="none")

    np.testing.assert_array_equal(sample.pixels[:, :, 0], VALUES + 3)


@pytest.mark.parametrize("high", [None, 0])
def test_a_missing_high_bit_is_derived_from_bits_stored(make_item: Make, high: int | None) -> None:
    sample = only(make_item(encoded(VALUES, BitsStored=12, HighBit=high)))

    np.testing.assert_array_equal(sample.pixels[:, :, 0], VALUES)


@pytest.mark.parametrize("high", [7, 16])
def test_an_impossible_high_bit_is_reported(make_item: Make, high: int) -> None:
    message = rf"\(0028,0102\) is {high}, which is impossible: .*\(0028,0101\) is 12, of 16"

    with pytest.raises(ReadError, match=message):
        read(make_item(encoded(VALUES, BitsStored=12, HighBit=high)))
