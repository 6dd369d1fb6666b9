"""Frames that the header does not count are mentioned in the trace."""

from collections.abc import Callable

import numpy as np
import pytest
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from diascope.sample import Item
from tests.readers.dicoms import RGB, dataset, encoded, read, written

Make = Callable[..., Item]
FILM = np.arange(3 * 4 * 6, dtype=np.uint16).reshape(3, 4, 6)
NATIVE = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]


def notes(item: Item) -> list[str]:
    return [line for line in read(item)[0].trace if line.startswith("Number of Frames")]


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize(("stated", "count"), [(2, 2), (1, 1), (None, 1)])
def test_frames_beyond_the_stated_number_are_mentioned(
    make_item: Make, syntax: UID, stated: int | None, count: int
) -> None:
    item = make_item(encoded(FILM, syntax, NumberOfFrames=stated))

    assert len(read(item)) == count
    assert notes(item) == [
        f"Number of Frames (0028,0008) is {count}, but there are 3: others left out"
    ]


@pytest.mark.parametrize("extended", [False, True])
def test_compressed_frames_are_counted_by_their_offsets(make_item: Make, extended: bool) -> None:
    dicom = dataset(FILM)
    dicom.compress(RLELossless, encapsulate_ext=extended)
    assert notes(make_item(written(dicom))) == []

    dicom.NumberOfFrames = 2
    assert len(notes(make_item(written(dicom)))) == 1


def test_subsampled_colours_are_counted_by_their_bytes(make_item: Make) -> None:
    tags = {"SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_FULL_422", "NumberOfFrames": 2}
    stored = np.zeros((5, 4, 6), np.uint8)
    content = dataset(stored, PlanarConfiguration=0, PixelData=bytes(5 * 4 * 6 * 2), **tags)

    assert len(notes(make_item(written(content)))) == 1


def test_padding_is_no_frame(make_item: Make) -> None:
    padded = dataset(RGB)
    padded.PixelData += bytes(RGB.nbytes // 2 * 2 - 2)

    assert notes(make_item(written(padded))) == []
