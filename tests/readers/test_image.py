"""Photographs and scans: every format gives the upright picture in sRGB or grey."""

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from diascope.errors import ReadError
from diascope.readers.image import ImageReader
from diascope.sample import Item, Sample

Make = Callable[..., Item]
RGB = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
GREY = RGB[:, :, 0]
DEEP = GREY.astype(np.uint16) * 257
HEADS = {
    "JPEG": b"\xff\xd8\xff\xe0",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "TIFF": b"II*\x00",
    "BigTIFF": b"MM\x00+",
    "WebP": b"RIFF\x10\x00\x00\x00WEBP",
    "BMP": b"BM\x36" + bytes(11) + b"\x28\0\0\0",
    "GIF": b"GIF89a",
}


def read(item: Item) -> list[Sample]:
    return list(ImageReader().read(item))


def only(item: Item) -> Sample:
    (sample,) = read(item)
    return sample


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.webp"])
def test_a_lossless_colour_picture_keeps_its_pixels(make_item: Make, name: str) -> None:
    options = {"lossless": True} if name == "a.webp" else {}
    sample = only(make_item(RGB, name, **options))

    np.testing.assert_array_equal(sample.pixels, RGB)
    assert (sample.range, sample.trace) == ((0.0, 255.0), ())


def test_a_jpeg_is_close_to_what_was_saved(make_item: Make, smooth: np.ndarray) -> None:
    sample = only(make_item(smooth, "a.jpg", quality=95, subsampling=0))

    assert np.abs(sample.pixels.astype(int) - smooth).max() < 16


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp", "a.gif"])
def test_a_grey_picture_has_one_channel(make_item: Make, name: str) -> None:
    sample = only(make_item(GREY, name))

    assert sample.pixels.dtype == np.uint8
    np.testing.assert_array_equal(sample.pixels[:, :, 0], GREY)


def test_a_gif_in_colour_is_rgb(make_item: Make) -> None:
    sample = only(make_item(RGB, "a.gif"))

    assert sample.pixels.shape == RGB.shape
    assert sample.trace == ("palette converted to RGB",)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bit_grey_keeps_its_values_and_range(make_item: Make, name: str) -> None:
    sample = only(make_item(DEEP, name))

    np.testing.assert_array_equal(sample.pixels[:, :, 0], DEEP)
    assert (sample.pixels.dtype, sample.range) == (np.uint16, (0.0, 65535.0))
    assert sample.trace == ("16-bit grey",)


def tiff_of_12_bits(values: list[int]) -> bytes:
    """Return a TIFF of one row with 12 bits per pixel, packed (TIFF 6.0, section 2)."""
    bits = "".join(f"{value:012b}" for value in values)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big")
    tags = {256: len(values), 257: 1, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1}
    tags |= {279: len(data)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return struct.pack("<4sI", b"II*\0", 8 + len(data)) + data + directory


def test_12_bit_grey_is_white_at_4095(make_item: Make) -> None:
    values = [0, 1, 2048, 4095]
    sample = only(make_item(tiff_of_12_bits(values), "a.tif"))

    assert sample.pixels[0, :, 0].tolist() == values
    assert (sample.pixels.dtype, sample.range) == (np.uint16, (0.0, 4095.0))
    assert sample.trace == ("12-bit grey",)


@pytest.mark.parametrize("name", ["pages.tif", "animation.gif", "animation.webp"])
def test_pages_and_animation_frames_are_frames(make_item: Make, name: str) -> None:
    pages = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (10, 120, 250)]
    options = {"lossless": True} if name.endswith("webp") else {}
    samples = read(make_item(pages[0], name, save_all=True, append_images=pages[1:], **options))

    assert [sample.frame for sample in samples] == [0, 1, 2]
    assert [int(sample.pixels.mean()) for sample in samples] == [10, 120, 250]


def tiff_of_pages(marks: list[int]) -> bytes:
    """Return a TIFF with a page for each mark, its NewSubfileType; page 0 is black, 1 is 1, ..."""
    tifffile = pytest.importorskip("tifffile")
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as pages:
        for value, mark in enumerate(marks):
            pixels = np.full((8, 8, 3), value, np.uint8)
            pages.write(pixels, photometric="rgb", subfiletype=mark, metadata=None)
    return file.getvalue()


@pytest.mark.parametrize("marks", [[0, 1, 2], [1, 0, 2], [0, 3, 0]])
def test_previews_of_a_tiff_are_left_out_with_a_trace_line(
    make_item: Make, marks: list[int]
) -> None:
    samples = read(make_item(tiff_of_pages(marks), "a.tif"))

    kept = [page for page, mark in enumerate(marks) if not mark & 1]
    assert [int(sample.pixels.max()) for sample in samples] == kept
    assert [sample.frame for sample in samples] == [0, 1]
    assert all(sample.trace == ("previews left out: 1 of 3 pages",) for sample in samples)


def test_a_tiff_with_only_a_preview_is_refused_with_advice(make_item: Make) -> None:
    with pytest.raises(ReadError, match="only a preview") as caught:
        read(make_item(tiff_of_pages([1]), "DSC_0001.NEF"))

    assert caught.value.hint == "Export it as JPEG or TIFF."


def test_a_second_picture_in_a_jpeg_is_left_out(make_item: Make) -> None:
    pages = [Image.fromarray(np.full((16, 16, 3), value, np.uint8)) for value in (40, 200)]
    sample = only(
        make_item(pages[0], "a.jpg", format="MPO", save_all=True, append_images=[pages[1]])
    )

    assert int(sample.pixels.mean()) == 40


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_exif_orientation_is_applied(make_item: Make, name: str, orientation: int) -> None:
    transposed = RGB.transpose(1, 0, 2)
    stored = {
        1: RGB,
        2: RGB[:, ::-1],
        3: RGB[::-1, ::-1],
        4: RGB[::-1],
        5: transposed,
        6: transposed[::-1],
        7: transposed[::-1, ::-1],
        8: transposed[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = {"lossless": True} if name == "a.webp" else {"quality": 100, "subsampling": 0}
    options = lossless if name in ("a.jpg", "a.webp") else {}
    sample = only(make_item(np.ascontiguousarray(stored), name, exif=exif, **options))

    assert sample.pixels.shape == RGB.shape
    assert np.abs(sample.pixels.astype(int) - RGB).mean() < 12
    note = f"EXIF orientation {orientation} applied"
    assert sample.trace == (() if orientation == 1 else (note,))


@pytest.mark.parametrize(
    ("mode", "name", "note", "expected"),
    [
        ("CMYK", "a.tif", "CMYK converted to RGB", [255, 0, 0]),
        ("P", "a.png", "palette converted to RGB", [255, 0, 0]),
        ("RGBA", "a.png", None, [255, 0, 0]),
        ("1", "a.png", None, [0]),
    ],
)
def test_other_modes_become_rgb_or_grey(
    make_item: Make, mode: str, name: str, note: str | None, expected: list[int]
) -> None:
    red = Image.new("RGB", (8, 8), (255, 0, 0))
    sample = only(make_item(red.convert(mode, dither=Image.Dither.NONE), name))

    assert sample.pixels[3, 3].tolist() == expected
    assert sample.trace == ((note,) if note else ())


def test_transparent_pixels_are_laid_on_white(make_item: Make) -> None:
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 4, 8))
    sample = only(make_item(image))

    assert (sample.pixels[0, 0].tolist(), sample.pixels[0, 7].tolist()) == ([255] * 3, [0] * 3)
    assert sample.trace == ("transparent pixels laid on white",)


def test_a_transparent_palette_entry_is_laid_on_white(make_item: Make) -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    sample = only(make_item(image, transparency=0))

    assert sample.pixels[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("kind", HEADS)
def test_the_first_bytes_take_precedence_over_the_name(kind: str) -> None:
    reader = ImageReader()

    assert reader.sniff("scan.dat", HEADS[kind]) > reader.sniff("photo.jpg", b"hello world") > 0


@pytest.mark.parametrize("text", [b"hello world", b"BMI,age,sex\n22,45,F\n", b"BM"])
def test_sniff_gives_0_without_the_bytes_or_name_of_a_picture(text: bytes) -> None:
    assert ImageReader().sniff("notes.txt", text) == 0


def test_a_picture_with_a_wrong_extension_is_read_by_its_content(make_item: Make) -> None:
    sample = only(make_item(RGB, "wrong.jpg", format="PNG"))

    np.testing.assert_array_equal(sample.pixels, RGB)


def test_a_remote_png_is_fetched_once(make_item: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    saved, fetched = io.BytesIO(), 0
    Image.fromarray(np.tile(RGB, (16, 16, 1))).save(saved, "PNG", compress_level=0)
    content = saved.getvalue()

    class Fetched(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            nonlocal fetched
            fetched += len(data := super().read(size))
            return data

    monkeypatch.setattr(Item, "open", lambda _: Fetched(content))
    only(make_item(content, "a.png"))

    assert fetched < 1.5 * len(content)
