"""libjpeg decodes only what no other decoder can, and fills in nothing missing or damaged."""

from collections.abc import Callable

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import JPEGExtended12Bit

from diascope.errors import ReadError
from diascope.readers import dicom_decoders, dicom_libjpeg
from diascope.sample import Item
from tests.readers.dicoms import only, written

pytest.importorskip("libjpeg")

Make = Callable[..., Item]
TWELVE_BITS = "JPGExtended.dcm"  # its picture ends with a byte that fills
JPEG = (TWELVE_BITS, "color3d_jpeg_baseline.dcm", "JPEG-LL.dcm", "SC_rgb_jpeg_gdcm.dcm")
CUT = [(name, share) for name in JPEG for share in (0.5, 0.9, 0.99)]


def changed(name: str, change: Callable[[bytes], bytes]) -> bytes:
    """Return a file of pydicom with its first frame changed."""
    dicom = dcmread(str(get_testdata_file(name)))
    count = int(dicom.get("NumberOfFrames", 1))
    first, *others = generate_frames(dicom.PixelData, number_of_frames=count)
    dicom.PixelData = encapsulate([change(first), *others])
    return written(dicom)


def cut(name: str, share: float) -> bytes:
    """Return a file of pydicom with its first frame truncated to a fraction of its bytes."""
    return changed(name, lambda frame: frame[: int(len(frame) * share)])


def overwritten(frame: bytes) -> bytes:
    """Return a frame with 512 bytes in its middle overwritten."""
    start = int(len(frame) * 0.4)
    return frame[:start] + b"\xff" * 512 + frame[start + 512 :]


def with_line_end(frame: bytes) -> bytes:
    return frame + b"\r\n"


def test_twelve_bits_are_decoded() -> None:
    path = str(get_testdata_file(TWELVE_BITS))
    stored, _ = get_decoder(JPEGExtended12Bit).as_array(
        dcmread(path), raw=True, decoding_plugin="pylibjpeg"
    )
    sample = only(Item(TWELVE_BITS, path), window="none")

    assert stored.max() > 255
    np.testing.assert_array_equal(sample.pixels[:, :, 0], stored)


@pytest.mark.parametrize(("name", "share"), [*CUT, ("MR_small_jpeg_ls_lossless.dcm", 0.9)])
def test_a_truncated_picture_is_not_filled_up(make_item: Make, name: str, share: float) -> None:
    with pytest.raises(ReadError, match="cannot be decoded"):
        only(make_item(cut(name, share)), frames=0)


def test_a_damaged_picture_is_not_filled_up(make_item: Make) -> None:
    with pytest.raises(ReadError, match="cannot be decoded"):
        only(make_item(changed("JPEG-LL.dcm", overwritten)))


def test_bytes_after_the_end_of_a_picture_are_ignored(make_item: Make) -> None:
    whole, padded = (make_item(changed(TWELVE_BITS, change)) for change in (bytes, with_line_end))

    np.testing.assert_array_equal(only(whole).pixels, only(padded).pixels)


@pytest.mark.parametrize("name", ["JPEG-LL.dcm", "MR_small_jpeg_ls_lossless.dcm"])
def test_libjpeg_alone_does_not_decode_what_other_decoders_can(
    make_item: Make, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    item = make_item(changed(name, bytes))
    known = get_decoder(dcmread(item.uri).file_meta.TransferSyntaxUID)._available
    for plugin in known.keys() - {"pylibjpeg"}:
        monkeypatch.delitem(known, plugin)

    with pytest.raises(ReadError, match="no decoder for that is installed"):
        only(item)


@pytest.mark.parametrize(("name", "advised"), [(TWELVE_BITS, True), ("JPEG-LL.dcm", False)])
def test_libjpeg_is_recommended_where_it_would_help(
    make_item: Make, monkeypatch: pytest.MonkeyPatch, name: str, advised: bool
) -> None:
    monkeypatch.setattr(dicom_decoders, "find_spec", lambda _: None)
    for syntax in dicom_libjpeg.FILLED_UP:
        known = get_decoder(syntax)._available
        for plugin in {dicom_libjpeg.NAME, "pylibjpeg"} & known.keys():
            monkeypatch.delitem(known, plugin)

    with pytest.raises(ReadError) as raised:
        only(make_item(cut(name, 0.9)))
    assert ("diascope[dicom,dicom-gpl]" in str(raised.value)) == advised
