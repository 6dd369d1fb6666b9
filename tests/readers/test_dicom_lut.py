"""Lookup tables: positions may exceed the type of the entries or of the pixels."""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from diascope.errors import ReadError
from diascope.readers.dicom_lut import apply_lut, look_up
from diascope.readers.dicom_modality import apply_modality
from diascope.sample import Item
from tests.readers.dicoms import GREY, dataset, encoded, only

Make = Callable[..., Item]
SIXTEENTHS = [value // 16 for value in range(4096)]


def table(entries: Any, first: int = 0, bits: int = 8, kind: str = "US") -> Dataset:
    dicom = Dataset()
    dicom.LUTDescriptor = [len(entries), first, bits]
    dicom.add_new("LUTData", kind, entries)
    return dicom


def test_a_voi_table_of_8_bits_may_have_more_than_256_entries(make_item: Make) -> None:
    sample = only(make_item(encoded(GREY, VOILUTSequence=[table(SIXTEENTHS)])))

    np.testing.assert_array_equal(sample.pixels[:, :, 0], GREY // 16)
    assert sample.range == (0.0, 255.0)


def test_values_outside_a_table_get_its_first_or_last_entry() -> None:
    pixels = np.array([-32768, 9, 10, 11, 300, 32767], np.int16)

    np.testing.assert_array_equal(
        look_up(pixels, 10, 2, np.array([5, 7], np.uint8)), [5, 5, 5, 7, 7, 7]
    )
    np.testing.assert_array_equal(
        look_up(pixels * 1e9, 10, 2, np.array([5, 7], np.uint8)), [5, 7, 7, 7, 7, 7]
    )


def test_values_between_two_entries_get_the_lower_one() -> None:
    pixels = np.array([-2.5, -0.5, 0.5, 1.5])

    np.testing.assert_array_equal(look_up(pixels, -3, 5, np.arange(5)), [0, 2, 3, 4])


def test_a_modality_table_can_cover_all_signed_values() -> None:
    stored = np.array([[-2000, -1024], [0, 32767]], np.int16)
    entries = np.arange(2**15 + 1024, dtype=np.uint16)
    header = dataset(stored, ModalityLUTSequence=[table(entries.tolist(), -1024, 16)])

    assert apply_modality(stored, header, []).tolist() == [[0, 0], [1024, 2**15 + 1023]]


@pytest.mark.parametrize("kind", ["US", "SS"])
def test_a_table_may_begin_below_zero_stored_as_signed_or_unsigned(
    make_item: Make, kind: str
) -> None:
    dicom, first = table(list(range(4096)), bits=12), -1024
    del dicom.LUTDescriptor
    dicom.add_new("LUTDescriptor", kind, [4096, first if kind == "SS" else first + 2**16, 12])
    unsigned = {"RescaleSlope": 1, "RescaleIntercept": first}
    below_zero = GREY.astype(np.int16) + first

    for content in (
        encoded(GREY, **unsigned, VOILUTSequence=[dicom]),
        encoded(below_zero, VOILUTSequence=[dicom]),
        encoded(below_zero, ModalityLUTSequence=[dicom]),
    ):
        np.testing.assert_array_equal(only(make_item(content)).pixels[:, :, 0], GREY)


def test_a_table_for_non_negative_values_begins_at_its_unsigned_value(make_item: Make) -> None:
    first, dicom = 2**16 - 1024, table(list(range(1024)), 2**16 - 1024, 12)
    pixels = first + np.minimum(GREY, 1000)

    for name in ("VOILUTSequence", "ModalityLUTSequence"):
        sample = only(make_item(encoded(pixels, **{name: [dicom]})))
        np.testing.assert_array_equal(sample.pixels[:, :, 0], pixels - first)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_entries_are_read_in_the_byte_order_of_the_file(syntax: Any) -> None:
    order = "<" if syntax.is_little_endian else ">"
    coded = table(struct.pack(f"{order}3H", 1, 700, 4095), bits=12, kind="OW")
    coded.LUTDescriptor = [3, 0, 12]

    header = dataset(GREY, syntax)
    seen = apply_lut(np.array([0, 1, 2], np.uint16), header, table=coded, below_zero=False)

    assert seen.tolist() == [1, 700, 4095]


@pytest.mark.parametrize("bits", [7, 17])
def test_an_invalid_entry_depth_is_refused(bits: int) -> None:
    header = dataset(GREY, ModalityLUTSequence=[table([1, 2], bits=bits)])

    with pytest.raises(ReadError, match=rf"\(0028,3000\) cannot be applied: {bits} bits per entry"):
        apply_modality(GREY, header, [])
