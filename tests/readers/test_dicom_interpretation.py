"""Photometric interpretations: how they are written, which are refused, and contradictions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from diascope.errors import ReadError
from diascope.sample import Item
from tests.readers.dicoms import GREY, RGB, encoded, only, read

Make = Callable[..., Item]
NAME = r"Photometric Interpretation \(0028,0004\)"


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize(
    ("pixels", "stated"), [(GREY, "monochrome1"), (GREY, "Monochrome2 "), (RGB, "ybr_full")]
)
def test_it_is_read_in_any_case_with_a_trace_line(
    make_item: Make, pixels: Any, stated: str, syntax: UID
) -> None:
    capitals = stated.strip().upper()
    lower, upper = (
        only(make_item(encoded(pixels, syntax, PhotometricInterpretation=kind)))
        for kind in (stated, capitals)
    )

    np.testing.assert_array_equal(lower.pixels, upper.pixels)
    line = f"Photometric Interpretation (0028,0004) is not in capitals: taken for {capitals}"
    assert lower.trace == (line, *upper.trace)


def test_one_that_is_not_defined_is_refused(make_item: Make) -> None:
    with pytest.raises(ReadError, match=f"{NAME} is 'O NEIL', which DICOM does not define"):
        read(make_item(encoded(GREY, PhotometricInterpretation="O'NEIL")))


def test_colours_that_cannot_be_converted_are_not_called_damaged(make_item: Make) -> None:
    deep = RGB.astype(np.uint16) * 200

    with pytest.raises(ReadError, match=f"{NAME} is YBR_FULL, .* from 8 bits, not 16"):
        read(make_item(encoded(deep, PhotometricInterpretation="YBR_FULL")))


def test_a_header_that_contradicts_itself_is_not_called_damage(make_item: Make) -> None:
    with pytest.raises(ReadError, match=r"cannot be decoded: .*\(0028,0101\).*'20'"):
        read(make_item(encoded(GREY, BitsStored=20, HighBit=None, SamplesPerPixel=3)))


@pytest.mark.parametrize(
    ("kind", "shape", "contradicts"),
    [
        ("MONOCHROME1", "IDENTITY", True),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME1", "INVERSE", False),
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME2", "other", False),
    ],
)
def test_it_decides_what_is_black_whatever_the_presentation_lut_says(
    make_item: Make, kind: str, shape: str, contradicts: bool
) -> None:
    tags = {"PhotometricInterpretation": kind}
    alone, stated = (
        only(make_item(encoded(GREY, **tags, **more)))
        for more in ({}, {"PresentationLUTShape": shape})
    )

    np.testing.assert_array_equal(stated.pixels, alone.pixels)
    assert stated.facts == {"presentation_lut": f"{kind}/{shape}"}
    assert any("Presentation LUT Shape" in line for line in stated.trace) is contradicts
