"""Windows and VOI LUTs: which one is used, and what black and white are without one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from diascope.errors import ReadError
from diascope.sample import Item
from tests.readers.dicoms import GREY, encoded, only, with_commas

Make = Callable[..., Item]
TWO = {"WindowCenter": [1000, 500], "WindowWidth": [400, 200]}


def table(bits: int = 8) -> Dataset:
    dicom = Dataset()
    dicom.LUTDescriptor = [3, 100, bits]
    dicom.add_new("LUTData", "US", [0, 7, 255])
    return dicom


def test_a_window_maps_its_width_to_black_to_white(make_item: Make) -> None:
    sample = only(make_item(encoded(GREY, BitsStored=12, HighBit=11, **TWO)))
    unit = sample.unit()[:, :, 0]

    assert sample.range == (0.0, 4095.0)
    assert (unit[GREY <= 800].max(), unit[GREY >= 1200].min()) == (0, 1)
    assert unit[GREY == 1000] == pytest.approx(0.5, abs=0.01)
    assert "window applied: center 1000, width 400, number 1 of 2" in sample.trace


def test_the_recipe_chooses_another_window(make_item: Make) -> None:
    sample = only(make_item(encoded(GREY, **TWO)), window=2)

    assert sample.unit()[:, :, 0][GREY == 500] == pytest.approx(0.5, abs=0.01)
    assert "window applied: center 500, width 200, number 2 of 2" in sample.trace


def test_a_window_that_the_file_lacks_is_refused_with_the_tags(make_item: Make) -> None:
    with pytest.raises(ReadError, match=r"window 3; Window Center \(0028,1050\).* state 2"):
        only(make_item(encoded(GREY, **TWO)), window=3)


def test_a_voi_lut_takes_precedence_over_a_window(make_item: Make) -> None:
    sample = only(make_item(encoded(GREY, VOILUTSequence=[table()], **TWO)))

    assert "VOI LUT applied" in sample.trace
    assert sample.range == (0.0, 255.0)
    assert sample.pixels[:, :, 0].tolist()[0] == [0, 0, 255, 255, 255, 255]


def test_a_table_that_the_file_lacks_is_refused_with_the_tag(make_item: Make) -> None:
    with pytest.raises(ReadError, match=r"VOI LUT Sequence \(0028,3010\) is missing"):
        only(make_item(encoded(GREY, **TWO)), window="lut")


@pytest.mark.parametrize(
    ("parameters", "tags", "span"),
    [
        ({}, {}, (0.0, 2300.0)),
        ({"window": "min-max"}, TWO, (0.0, 2300.0)),
        ({"window": "none"}, TWO, (0.0, 65535.0)),
        ({"window": "none"}, {"BitsStored": 12, "HighBit": 11}, (0.0, 4095.0)),
        ({}, {"WindowCenter": 5, "WindowWidth": 0}, (0.0, 2300.0)),
        ({}, {"WindowCenter": ""}, (0.0, 2300.0)),
    ],
)
def test_without_a_window_black_and_white_are_in_the_trace(
    make_item: Make,
    parameters: dict[str, Any],
    tags: dict[str, Any],
    span: tuple[float, float],
) -> None:
    sample = only(make_item(encoded(GREY, **tags)), **parameters)

    assert sample.range == span
    np.testing.assert_array_equal(sample.pixels[:, :, 0], GREY)
    expected = f"no window: black is {span[0]:g} and white is {span[1]:g}, "
    assert any(line.startswith(expected) for line in sample.trace)


def test_eight_bits_without_a_window_keep_their_exposure(make_item: Make) -> None:
    sample = only(make_item(encoded(np.full((3, 4), 90, dtype=np.uint8))))

    assert sample.range == (0.0, 255.0)


def test_stretching_eight_bits_adds_a_trace_line(make_item: Make) -> None:
    sample = only(make_item(encoded(GREY.astype(np.uint8))), window="min-max")

    assert f"no window: black is 0 and white is {GREY.astype(np.uint8).max()}, " in sample.trace[0]


@pytest.mark.parametrize("size", [(3, 4), (300, 300)])
@pytest.mark.parametrize("value", [900, 2**16 - 1])
def test_a_uniform_picture_is_black_and_its_negative_white(
    make_item: Make, value: int, size: tuple[int, int]
) -> None:
    flat = np.full(size, value, dtype=np.uint16)
    for kind, shade in (("MONOCHROME2", 0), ("MONOCHROME1", 1)):
        sample = only(make_item(encoded(flat, PhotometricInterpretation=kind)))

        assert np.unique(sample.unit()).tolist() == [shade]


def test_entries_outside_the_bits_of_a_table_are_clipped_and_counted(make_item: Make) -> None:
    wild = table(bits=10)
    wild.LUTData = [0, 7, 2000]
    sample = only(make_item(encoded(GREY, VOILUTSequence=[wild])))

    assert sample.pixels.max() == 1023
    assert "22 pixels beyond black or white clipped" in sample.trace


def test_a_negative_slope_keeps_low_values_dark(make_item: Make) -> None:
    tags = {"RescaleSlope": -1, "RescaleIntercept": 0, "WindowCenter": -1000, "WindowWidth": 400}
    sample = only(make_item(encoded(GREY, **tags)))
    unit = sample.unit()[:, :, 0]

    assert sample.range[0] < sample.range[1]
    assert (unit[GREY >= 1200].max(), unit[GREY <= 800].min()) == (0, 1)


def test_a_non_linear_curve_is_in_the_trace(make_item: Make) -> None:
    tags = {"WindowCenter": 1000, "WindowWidth": 400, "VOILUTFunction": "SIGMOID"}
    sample = only(make_item(encoded(GREY, **tags)))

    assert "window applied: center 1000, width 400 (SIGMOID)" in sample.trace


def test_an_empty_voi_lut_function_is_linear(make_item: Make) -> None:
    tags = {"WindowCenter": 1000, "WindowWidth": 400}
    plain = only(make_item(encoded(GREY, **tags), "a"))
    empty = only(make_item(encoded(GREY, VOILUTFunction="", **tags), "b"))

    np.testing.assert_array_equal(empty.pixels, plain.pixels)
    assert empty.trace == plain.trace


@pytest.mark.parametrize("tag", ["WindowCenter", "WindowWidth"])
def test_an_invalid_window_is_reported_if_a_window_is_requested(make_item: Make, tag: str) -> None:
    tags = {"WindowCenter": "1000", "WindowWidth": "400"} | {tag: "400.75"}
    item = make_item(with_commas(GREY, **tags))

    with pytest.raises(ReadError, match=r"Window \w+ \(0028,105\d\) is not a number"):
        only(item)
    assert only(item, window="min-max").range == (0.0, 2300.0)
