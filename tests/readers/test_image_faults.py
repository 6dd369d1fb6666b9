"""Pictures that are damaged or meant to harm: the reason is one that their owner understands."""

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from diascope.errors import ReadError
from diascope.readers.image import ImageReader
from diascope.readers.video import VideoReader
from diascope.sample import Item
from tests.pngs import png

Make = Callable[..., Item]
RGB = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def refusal(item: Item) -> str:
    with pytest.raises(ReadError) as caught:
        list(ImageReader().read(item))
    return caught.value.message


def saved(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(RGB).save(file, kind)
    return file.getvalue()


def tiff(pixels: NDArray[Any], photometric: str = "minisblack", **options: Any) -> bytes:
    tifffile = pytest.importorskip("tifffile")
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, photometric=photometric, **options)
    return file.getvalue()


def test_a_decompression_bomb_is_refused_before_it_is_decoded(make_item: Make) -> None:
    reason = refusal(make_item(png(20_000, 20_000, 8, 2, b"")))

    assert "too large to be decoded safely" in reason
    assert "tiles" in reason


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "BMP", "GIF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_file_is_reported_as_truncated(
    make_item: Make, kind: str, share: float
) -> None:
    content = saved(kind)
    reason = refusal(make_item(content[: int(len(content) * share)], f"a.{kind.lower()}"))

    assert reason.startswith("the file is truncated, part of the picture is missing")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF"])
@pytest.mark.parametrize("length", [12, 24, 40, 90, 400])
def test_a_file_truncated_early_is_a_read_error(make_item: Make, kind: str, length: int) -> None:
    reason = refusal(make_item(saved(kind)[:length], f"a.{kind.lower()}"))

    assert "truncated" in reason or "damaged" in reason or "not a picture" in reason


def test_a_png_with_a_wrong_checksum_is_reported_as_damaged(make_item: Make) -> None:
    content = bytearray(saved("PNG"))
    content[-13] ^= 1  # of the pixels; Pillow decodes them without a look at it

    assert "it is damaged" in refusal(make_item(bytes(content)))


@pytest.mark.parametrize("kind", ["png", "webp", "jpeg"])
@pytest.mark.parametrize("exif", [bytes(200), b"II*\0"], ids=["erased", "cut off"])
def test_a_picture_with_damaged_exif_is_upright(make_item: Make, kind: str, exif: bytes) -> None:
    item = make_item(RGB, f"photo.{kind}", exif=b"Exif\0\0" + exif)
    (sample,) = ImageReader().read(item)
    assert (sample.pixels.shape, sample.trace) == (RGB.shape, ())


def test_a_film_truncated_anywhere_is_a_read_error_or_has_fewer_frames(make_item: Make) -> None:
    file = io.BytesIO()
    frames = [Image.fromarray(RGB[:4, :5, channel]) for channel in range(3)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    whole = file.getvalue()
    ends = []
    for length in range(len(whole)):
        try:
            ends.append(str(len(list(ImageReader().read(make_item(whole[:length], "a.gif"))))))
        except ReadError as error:
            ends.append(error.message)

    assert set(ends) > {"1", "2"}
    assert any("cannot be decoded (index out of range)" in end for end in ends)


def test_text_with_the_name_of_a_picture_is_reported_as_text(make_item: Make) -> None:
    reason = refusal(make_item(b"patient;answer\n1;no\n", "notes.jpg"))

    assert "named .jpg" in reason
    assert "text, not a picture" in reason
    assert "patient" not in reason


def test_an_empty_file_is_not_a_picture(make_item: Make) -> None:
    assert "not a picture" in refusal(make_item(b"", "a.jpg"))


def test_random_bytes_are_not_a_picture(make_item: Make) -> None:
    assert "not a picture" in refusal(make_item(bytes(range(128, 256)), "a.dat"))


def test_a_damaged_header_is_reported_as_damaged(make_item: Make) -> None:
    reason = refusal(make_item(b"\x89PNG\r\n\x1a\n" + b"\x00" * 40))

    assert "damaged, or of a kind that is not supported" in reason


@pytest.mark.parametrize(
    ("dtype", "shape", "photometric"),
    [(np.float32, (8, 8, 3), "rgb"), (np.uint16, (8, 8, 2), "minisblack")],
    ids=["RGB of floats", "16-bit grey and alpha"],
)
def test_an_intact_tiff_of_an_unsupported_kind_fails_with_advice(
    make_item: Make, dtype: type, shape: tuple[int, ...], photometric: str
) -> None:
    content = tiff(np.zeros(shape, dtype), photometric=photometric, planarconfig="contig")
    reason = refusal(make_item(content, "a.tif"))

    assert "of a kind that is not supported; save it as 8-bit RGB or grey" in reason


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif"])
def test_a_photo_in_heic_or_avif_fails_with_advice(make_item: Make, brand: bytes) -> None:
    head = struct.pack(">I4s4sI", 24, b"ftyp", brand, 0) + b"mif1heic" + bytes(200)
    reason = refusal(make_item(head, "IMG_0001.HEIC"))

    assert "HEIC or AVIF" in reason
    assert "Export it as JPEG" in reason
    assert 10 < ImageReader().sniff("IMG_0001.HEIC", head) < 60


@pytest.mark.parametrize("brand", [b"hevc", b"hevx", b"hevm", b"hevs", b"avis"])
def test_a_picture_with_the_brand_of_a_sequence_fails_with_advice(
    make_item: Make, brand: bytes
) -> None:
    start = struct.pack(">I4s4sI", 20, b"ftyp", brand, 0) + b"mif1"
    meta = struct.pack(">I4sI", 212, b"meta", 0) + bytes(200)
    content = start + meta + struct.pack(">I4s", 9008, b"mdat") + bytes(9000)

    assert "HEIC or AVIF" in refusal(make_item(content, "IMG_0001.HEIC"))
    assert ImageReader().sniff("nameless", content[:4096]) == 20
    assert ImageReader().sniff("nameless", content[:232]) == 0  # a track may follow
    assert VideoReader().sniff("nameless", content[:4096]) == 0

    track = struct.pack(">I4s", 108, b"moov") + bytes(100)
    assert "HEIC or AVIF" not in refusal(make_item(start + meta + track, "film"))
    for sequence in (start + track, start + meta + track):
        assert ImageReader().sniff("nameless", sequence) == 0
        assert VideoReader().sniff("nameless", sequence) == 60


@pytest.mark.parametrize(
    ("dtype", "named"),
    [
        (np.float32, "float32"),
        (np.int8, "signed"),
        (np.int16, "signed"),
        (np.int32, "32 bits"),
        (np.uint32, "32 bits"),
    ],
)
def test_pixels_without_a_stated_black_and_white_are_refused(
    make_item: Make, dtype: type, named: str
) -> None:
    reason = refusal(make_item(tiff((RGB[:, :, 0] // 3).astype(dtype)), "a.tif"))

    assert named in reason
    assert "Save it as 8 or 16 bit" in reason


@pytest.mark.parametrize(
    ("channels", "dtype", "options"),
    [
        (3, np.uint16, {"photometric": "rgb"}),
        (4, np.uint16, {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
        (4, np.uint16, {"photometric": "separated"}),
        (2, np.uint8, {"extrasamples": ["unassalpha"], "compression": "zlib"}),
    ],
    ids=["RGB", "RGBA", "CMYK", "grey and alpha"],
)
def test_planes_that_pillow_decodes_incorrectly_are_refused(
    make_item: Make, channels: int, dtype: type, options: dict[str, Any]
) -> None:
    planes = np.stack([RGB[:, :, 0].astype(dtype)] * channels)
    reason = refusal(make_item(tiff(planes, planarconfig="separate", **options), "a.tif"))

    assert "separate planes" in reason


@pytest.mark.parametrize(
    ("dtype", "compression"), [(np.uint8, None), (np.uint8, "zlib"), (np.uint16, "zlib")]
)
def test_other_planes_keep_their_pixels(
    make_item: Make, dtype: type, compression: str | None
) -> None:
    whole = RGB if dtype == np.uint8 else RGB.astype(np.uint16) * 257
    content = tiff(
        whole.transpose(2, 0, 1),
        photometric="rgb",
        planarconfig="separate",
        compression=compression,
    )
    (sample,) = ImageReader().read(make_item(content, "a.tif"))

    np.testing.assert_array_equal(sample.pixels, RGB)


def test_16_bits_a_channel_are_reduced_to_8_with_a_trace(make_item: Make) -> None:
    wide = (RGB.astype(">u2") * 257).tobytes()
    step = RGB.shape[1] * 6
    rows = b"".join(b"\x00" + wide[at : at + step] for at in range(0, len(wide), step))
    (sample,) = ImageReader().read(make_item(png(64, 48, 16, 2, rows)))

    np.testing.assert_array_equal(sample.pixels, RGB)
    assert sample.trace == ("16 bits a channel reduced to 8",)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_whose_zero_is_white_is_inverted(make_item: Make, dtype: type) -> None:
    black = np.full((8, 8), np.iinfo(dtype).max, dtype)
    (sample,) = ImageReader().read(make_item(tiff(black, photometric="miniswhite"), "a.tif"))

    assert sample.unit().max() == 0
