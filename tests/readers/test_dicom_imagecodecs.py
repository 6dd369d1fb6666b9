"""imagecodecs decodes bit-identically to the other decoders, and leaves everything else to them."""

import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    UID,
    JPEG2000Lossless,
    JPEG2000TransferSyntaxes,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSTransferSyntaxes,
    RLELossless,
)

import diascope.readers.dicom_decoders  # noqa: F401 - registers the plugin
from diascope.errors import ReadError
from diascope.readers.dicom_imagecodecs import NAME
from diascope.sample import Item
from tests.readers.dicoms import GREY, RGB, dataset, library, only, read, written

imagecodecs = pytest.importorskip("imagecodecs")

Make = Callable[..., Item]
SHARED = Path(__file__).parents[3] / "shared" / "data" / "dicom"
KINDS = [*JPEG2000TransferSyntaxes, *JPEGLSTransferSyntaxes, JPEGLossless, JPEGLosslessSV1]


def compressed(path: Path) -> bool:
    try:
        header = dcmread(path, force=True, stop_before_pixels=True)
    except Exception:
        return False
    return header.file_meta.get("TransferSyntaxUID") in (*KINDS, RLELossless)


FILES = [path for path in [*library(), *sorted(SHARED.glob("*.dcm"))] if compressed(path)]


def decoded(path: Path, plugin: str) -> NDArray[Any] | None:
    """Return the first frame of a file decoded by one plugin; None if it cannot decode it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dicom = dcmread(path)
        try:
            pixels: NDArray[Any]
            pixels, _ = get_decoder(dicom.file_meta.TransferSyntaxUID).as_array(
                dicom, index=0, decoding_plugin=plugin
            )
        except Exception:
            return None
    return pixels


def lossless_jpeg(pixels: NDArray[Any], end: int | None = None) -> Dataset:
    """Return an object with pixels as lossless JPEG, truncated at ``end``."""
    stream = imagecodecs.jpeg8_encode(pixels, lossless=True, bitspersample=16, predictor=1)
    dicom = dataset(pixels)
    dicom.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    dicom.PixelData = encapsulate([stream[:end]])
    dicom["PixelData"].VR = "OB"
    return dicom


def film(count: int) -> bytes:
    """Return an RLE-compressed film of ``count`` frames, each one level brighter than the last."""
    dicom = dataset(np.stack([GREY + number for number in range(count)]))
    dicom.compress(RLELossless)
    return written(dicom)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_pixels_are_bit_identical_to_those_of_other_decoders(path: Path) -> None:
    mine = decoded(path, NAME)
    if mine is None:
        pytest.skip("left to the others")
    syntax = dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID
    available = set(get_decoder(syntax).available_plugins) - {NAME}

    others = [decoded(path, plugin) for plugin in available & {"pylibjpeg"} or available]

    assert any(other is not None for other in others)
    for other in others:
        if other is not None:
            assert mine.dtype == other.dtype
            np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
@pytest.mark.parametrize("kind", ["u1", "u2", "i2", "colour"])
def test_lossless_compression_round_trips(syntax: UID, kind: str) -> None:
    shape = (64, 96, 3) if kind == "colour" else (64, 96)
    dtype = "u1" if kind == "colour" else kind
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(dtype)
    dicom = dataset(pixels)
    dicom.compress(syntax)

    frame, _ = get_decoder(syntax).as_array(dicom, index=0, decoding_plugin=NAME)

    np.testing.assert_array_equal(frame, pixels)


def test_imagecodecs_is_tried_first(make_item: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = get_decoder(RLELossless)._available
    for name in plugins.keys() - {NAME}:
        monkeypatch.delitem(plugins, name)

    np.testing.assert_array_equal(only(make_item(film(1))).pixels[:, :, 0], GREY)


def test_after_the_first_frame_it_cannot_decode_another_decoder_takes_over(
    make_item: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins, frames = get_decoder(RLELossless)._available, iter(range(9))
    sound = plugins[NAME]

    def weary(source: bytes, runner: Any) -> bytes:
        if next(frames) >= 2:
            raise ValueError("enough")
        return bytes(sound(source, runner))

    monkeypatch.setitem(plugins, NAME, weary)
    samples = read(make_item(film(4)), window="none")

    for number, sample in enumerate(samples):
        np.testing.assert_array_equal(sample.pixels[:, :, 0], GREY + number)
    assert [sample.frame for sample in samples] == [0, 1, 2, 3]


def test_a_lossless_jpeg_is_decoded(make_item: Make) -> None:
    sample = only(make_item(written(lossless_jpeg(GREY))))

    np.testing.assert_array_equal(sample.pixels[:, :, 0], GREY)


def test_a_truncated_lossless_jpeg_is_not_filled_up(make_item: Make) -> None:
    large = np.random.default_rng(0).integers(0, 65536, (64, 64)).astype(np.uint16)

    with pytest.raises(ReadError, match="cannot be decoded"):
        read(make_item(written(lossless_jpeg(large, end=4000))))


def test_rle_offsets_beyond_the_frame_fail_the_item_and_not_the_process(
    make_item: Make,
) -> None:
    dicom = dataset(RGB)
    dicom.compress(RLELossless, encoding_plugin="pydicom")
    content = bytearray(dicom.PixelData)
    starts = content.index(struct.pack("<2L", 3, 64)) + 4  # of the three segments
    struct.pack_into("<L", content, starts + 4, 2**25)
    dicom.PixelData = bytes(content)

    with pytest.raises(ReadError, match="cannot be decoded"):
        only(make_item(written(dicom)))
