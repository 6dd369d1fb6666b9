"""Polarity, padding and colour of DICOM pictures."""

from collections.abc import Callable

import numpy as np
import pytest
from pydicom.pixels.processing import convert_color_space

from diascope.errors import ReadError
from diascope.sample import Item
from tests.readers.dicoms import GREY, RGB, dataset, encoded, only, written

Make = Callable[..., Item]
PADDING = "2 pixels of Pixel Padding Value (0028,0120) shown as black"
SIGNED = np.array([[-2000, -2000, -100], [0, 300, 900]], dtype=np.int16)
PALETTE = {
    f"{colour}PaletteColorLookupTable{part}": value
    for colour, entries in (
        ("Red", [0, 9, 255, 0]),
        ("Green", [0, 8, 0, 0]),
        ("Blue", [1, 2, 3, 0]),
    )
    for part, value in (("Descriptor", [4, 0, 8]), ("Data", bytes(entries)))
}


@pytest.mark.parametrize("window", ["none", "min-max"])
def test_monochrome1_is_inverted_within_its_range(make_item: Make, window: str) -> None:
    plain = only(make_item(encoded(GREY), "a"), window=window)
    inverted = only(
        make_item(encoded(GREY, PhotometricInterpretation="MONOCHROME1"), "b"), window=window
    )

    assert inverted.range == plain.range
    assert inverted.pixels.dtype == np.uint16
    np.testing.assert_allclose(inverted.unit(), 1 - plain.unit(), atol=1e-6)
    assert "MONOCHROME1 inverted" in inverted.trace


def test_signed_values_are_inverted_without_overflow(make_item: Make) -> None:
    ends = np.array([[-32768, 0, 32767]], dtype=np.int16)
    sample = only(
        make_item(encoded(ends, PhotometricInterpretation="MONOCHROME1")), window="min-max"
    )

    assert sample.pixels[:, :, 0].tolist() == [[32767, -1, -32768]]


@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_does_not_influence_the_range_and_is_black(make_item: Make, kind: str) -> None:
    tags = {"PixelPaddingValue": -2000, "PhotometricInterpretation": kind}
    sample = only(make_item(encoded(SIGNED, **tags)))

    assert sample.range == (-100.0, 900.0)
    assert sample.pixels[0, :2, 0].tolist() == [-100, -100]
    assert PADDING in sample.trace


def test_a_range_of_padding_values_is_black(make_item: Make) -> None:
    tags = {"PixelPaddingValue": -3000, "PixelPaddingRangeLimit": -1500}
    sample = only(make_item(encoded(SIGNED, **tags)))

    assert sample.range == (-100.0, 900.0)


@pytest.mark.parametrize("kind", ["US", "SS"])
def test_padding_of_signed_pixels_may_be_stored_as_unsigned(make_item: Make, kind: str) -> None:
    sign = 2**16 if kind == "US" else 0
    dicom = dataset(SIGNED)
    dicom.add_new("PixelPaddingValue", kind, sign - 2000)
    dicom.add_new("PixelPaddingRangeLimit", kind, sign - 1500)
    sample = only(make_item(written(dicom)))

    assert sample.range == (-100.0, 900.0)
    assert PADDING in sample.trace


def test_colours_keep_their_values_and_range(make_item: Make) -> None:
    sample = only(make_item(encoded(RGB)))

    np.testing.assert_array_equal(sample.pixels, RGB)
    assert sample.range == (0.0, 255.0)


def test_ybr_is_converted_to_rgb_with_a_trace_line(make_item: Make) -> None:
    sample = only(make_item(encoded(RGB, PhotometricInterpretation="YBR_FULL")))

    np.testing.assert_array_equal(sample.pixels, convert_color_space(RGB, "YBR_FULL", "RGB"))
    assert "YBR_FULL converted to RGB" in sample.trace


@pytest.mark.parametrize("kind", ["YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_RCT"])
def test_ybr_that_no_decoder_converts_is_refused(make_item: Make, kind: str) -> None:
    with pytest.raises(ReadError, match=f"is {kind}, which no decoder here converts to RGB"):
        only(make_item(encoded(RGB, PhotometricInterpretation=kind)))


def test_a_palette_is_converted_to_rgb_with_a_trace_line(make_item: Make) -> None:
    stored = np.array([[0, 1], [2, 2]], dtype=np.uint8)
    sample = only(make_item(encoded(stored, PhotometricInterpretation="PALETTE COLOR", **PALETTE)))

    assert sample.pixels.tolist() == [[[0, 0, 1], [9, 8, 2]], [[255, 0, 3], [255, 0, 3]]]
    assert sample.range == (0.0, 255.0)
    assert "palette converted to RGB" in sample.trace


def test_a_missing_palette_is_reported_with_its_tag(make_item: Make) -> None:
    content = encoded(GREY, PhotometricInterpretation="PALETTE COLOR")

    with pytest.raises(ReadError, match=r"\(0028,1101\) does not hold three numbers"):
        only(make_item(content))


def test_an_unsupported_photometric_interpretation_is_reported(make_item: Make) -> None:
    content = encoded(RGB, PhotometricInterpretation="HSV")

    with pytest.raises(ReadError, match=r"Photometric Interpretation \(0028,0004\) is HSV"):
        only(make_item(content))
