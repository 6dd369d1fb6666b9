"""Palettes: a colour for each value, for any number of values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diascope.errors import ReadError
from diascope.sample import Item
from tests.readers.dicoms import GREY, encoded, only

Make = Callable[..., Item]
COLOURS = ("Red", "Green", "Blue")


def palette(entries: bytes, count: int, first: int = 0, prefix: str = "") -> dict[str, Any]:
    """Return the tags of an 8-bit palette with equal channels."""
    tags: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in COLOURS:
        tags[f"{colour}PaletteColorLookupTableDescriptor"] = [count, first, 8]
        tags[f"{prefix}{colour}PaletteColorLookupTableData"] = entries
    return tags


def test_a_palette_of_8_bits_may_have_more_than_256_entries(make_item: Make) -> None:
    tags = palette(bytes(value // 16 for value in range(4096)), 4096)
    tags["BluePaletteColorLookupTableData"] = bytes(255 - value // 16 for value in range(4096))
    sample = only(make_item(encoded(GREY, **tags)))

    np.testing.assert_array_equal(sample.pixels[:, :, 1], GREY // 16)
    np.testing.assert_array_equal(sample.pixels[:, :, 2], 255 - GREY // 16)
    assert (sample.pixels.dtype, sample.range) == (np.uint8, (0.0, 255.0))


def test_values_outside_a_palette_get_its_last_colour(make_item: Make) -> None:
    sample = only(make_item(encoded(GREY, **palette(bytes(range(256)), 256))))

    np.testing.assert_array_equal(sample.pixels[:, :, 0], np.minimum(GREY, 255))


def test_a_segmented_palette_is_expanded(make_item: Make) -> None:
    segments = bytes([0, 1, 7, 1, 99, 106])  # a 7, then 99 values up to 106
    sample = only(make_item(encoded(GREY, **palette(segments, 100, prefix="Segmented"))))

    np.testing.assert_array_equal(sample.pixels[:, :, 0], np.minimum(GREY, 99) + 7)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        (palette(bytes(12), 4), "3 bytes per entry"),
        (palette(bytes(6), 300, prefix="Segmented"), "300 entries of 8 bits, at most 256 are read"),
    ],
)
def test_an_unusable_palette_is_refused(make_item: Make, tags: dict[str, Any], reason: str) -> None:
    with pytest.raises(ReadError, match=rf"\(0028,1101\) cannot be applied: .*{reason}"):
        only(make_item(encoded(GREY, **tags)))
