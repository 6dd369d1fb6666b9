"""Embedded ICC profiles are applied, so that equal colours are equal numbers."""

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms

from diascope.readers.image import ImageReader
from diascope.sample import Item, Sample
from tests.pngs import png

Make = Callable[..., Item]
RGB = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def fixed(*numbers: float) -> bytes:
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


SRGB_XYZ = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
P3_XYZ = (0.5151, 0.2412, -0.0010), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841)


def matrix_profile(
    swapped: bool = True,
    gamma: float = 2.2,
    name: str = "Swapped RGB",
    primaries: tuple[tuple[float, ...], ...] = SRGB_XYZ,
) -> bytes:
    """Return a small ICC profile, by default of sRGB with red and blue swapped (ICC.1:2001)."""
    red, green, blue = primaries
    if swapped:
        red, blue = blue, red
    text = name.encode() + b"\x00"
    described = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {b"desc": described, b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1.0, 0.8249)}
    for channel, primary in ((b"r", red), (b"g", green), (b"b", blue)):
        tags[channel + b"XYZ"] = b"XYZ " + bytes(4) + fixed(*primary)
        tags[channel + b"TRC"] = curve
    table, data, at = b"", b"", 128 + 4 + 12 * len(tags)
    for tag, content in tags.items():
        content += bytes(-len(content) % 4)
        table += tag + struct.pack(">II", at + len(data), len(content))
        data += content
    body = struct.pack(">I", len(tags)) + table + data
    header = struct.pack(
        ">I4sI4s4s4s", 128 + len(body), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ "
    )
    header += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    header += fixed(0.9642, 1.0, 0.8249)
    return header.ljust(128, b"\x00") + body


def only(item: Item) -> Sample:
    (sample,) = ImageReader().read(item)
    return sample


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_an_srgb_profile_leaves_the_pixels_as_they_are(make_item: Make, name: str) -> None:
    sample = only(make_item(RGB, name, icc_profile=SRGB))

    np.testing.assert_array_equal(sample.pixels, RGB)
    assert sample.trace == ()


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_another_profile_is_applied_with_a_line_in_the_trace(make_item: Make, name: str) -> None:
    sample = only(make_item(RGB, name, icc_profile=matrix_profile()))

    assert np.abs(sample.pixels[:, :, ::-1].astype(int) - RGB).max() <= 12
    assert np.abs(sample.pixels.astype(int) - RGB).max() > 100
    assert sample.trace == ("RGB converted to sRGB by its ICC profile 'Swapped RGB'",)


@pytest.mark.parametrize(
    ("gamma", "grey"), [(1.0, 188), (1.8, 147), (2.2, 128)], ids=["linear", "1.8", "2.2"]
)
def test_a_profile_with_another_curve_is_applied_although_it_is_named_srgb(
    make_item: Make, gamma: float, grey: int
) -> None:
    profile = matrix_profile(swapped=False, gamma=gamma, name="built-in Linear sRGB")
    sample = only(make_item(np.full((4, 4, 3), 128, np.uint8), icc_profile=profile))

    assert sample.pixels[0, 0].tolist() == pytest.approx([grey] * 3, abs=1)
    assert len(sample.trace) == (grey != 128)


@pytest.mark.parametrize(
    "name", ["DCI-P3 D65 Gamut with sRGB Transfer", "Display P3 Gamut with sRGB Transfer"]
)
def test_a_profile_with_other_primaries_is_applied_although_its_curve_is_srgb(
    make_item: Make, name: str
) -> None:
    profile = matrix_profile(swapped=False, name=name, primaries=P3_XYZ)
    sample = only(make_item(np.full((4, 4, 3), (192, 64, 64), np.uint8), icc_profile=profile))

    assert sample.pixels[0, 0].tolist() == pytest.approx([210, 46, 55], abs=1)
    assert sample.trace == (f"RGB converted to sRGB by its ICC profile {name!r}",)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_profile_of_a_grey_picture_is_not_applied_with_a_trace_line(
    make_item: Make, dtype: type
) -> None:
    grey = RGB[:, :, 0].astype(dtype)
    sample = only(make_item(grey, icc_profile=SRGB))

    np.testing.assert_array_equal(sample.pixels[:, :, 0], grey)
    assert sample.trace[0].startswith("ICC profile not applied: it is not of colours")


def test_a_profile_is_applied_beneath_transparency(make_item: Make) -> None:
    opaque = Image.fromarray(RGB).convert("RGBA")
    sample = only(make_item(opaque, icc_profile=matrix_profile()))

    assert np.abs(sample.pixels[:, :, ::-1].astype(int) - RGB).max() <= 12


def test_a_profile_is_applied_to_a_palette(make_item: Make) -> None:
    red = Image.new("RGB", (8, 8), (255, 0, 0)).convert("P", palette=Image.Palette.ADAPTIVE)
    sample = only(make_item(red, icc_profile=matrix_profile()))

    assert sample.pixels[0, 0].tolist() == pytest.approx([0, 0, 255], abs=12)


def test_a_profile_and_an_orientation_are_both_applied(make_item: Make) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    sample = only(make_item(RGB, exif=exif, icc_profile=matrix_profile()))

    assert np.abs(sample.pixels[::-1, ::-1, ::-1].astype(int) - RGB).max() <= 12
    assert len(sample.trace) == 2


def test_an_unreadable_profile_leaves_the_pixels_and_a_line_in_the_trace(make_item: Make) -> None:
    sample = only(make_item(RGB, icc_profile=b"no profile at all"))

    np.testing.assert_array_equal(sample.pixels, RGB)
    assert sample.trace[0].startswith("ICC profile unreadable")


def with_a_clear_level(levels: list[int], depth: int, clear: int, colour: bool = False) -> bytes:
    """Return one row of grey, or of grey as RGB, in which the level ``clear`` is transparent."""
    channels = 3 if colour else 1
    bits = "".join(f"{level:0{depth}b}" * channels for level in levels)
    row = b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    level = struct.pack(">H", clear) * channels
    return png(len(levels), 1, depth, 2 if colour else 0, row, level)


@pytest.mark.parametrize(
    ("depth", "levels", "shown"),
    [
        (2, [0, 1, 2, 3], [0, 255, 170, 255]),
        (4, [0, 1, 2, 15], [0, 255, 34, 255]),
        (8, [0, 1, 2, 255], [0, 255, 2, 255]),
        (16, [0, 1, 2, 65535], [0, 65535, 2, 65535]),
    ],
)
def test_a_grey_that_is_transparent_is_white_at_any_depth(
    make_item: Make, depth: int, levels: list[int], shown: list[int]
) -> None:
    sample = only(make_item(with_a_clear_level(levels, depth, clear=1), "a.png"))

    assert sample.pixels.max(2).tolist() == [shown]
    assert "transparent pixels laid on white" in sample.trace


def test_a_colour_of_16_bits_that_is_transparent_is_white(make_item: Make) -> None:
    content = with_a_clear_level([0x0100, 0x2300], 16, clear=0x2300, colour=True)
    sample = only(make_item(content, "a.png"))

    assert sample.pixels.tolist() == [[[1, 1, 1], [255, 255, 255]]]


def test_grey_with_premultiplied_alpha_is_laid_on_white(make_item: Make) -> None:
    pytest.importorskip("PIL", minversion="13")  # older ones open no such file
    tifffile = pytest.importorskip("tifffile")
    buffer = io.BytesIO()
    pixels = np.array([[[0, 0], [100, 200], [255, 255]]], dtype=np.uint8)
    tifffile.imwrite(buffer, pixels, photometric="minisblack", extrasamples=["assocalpha"])
    sample = only(make_item(buffer.getvalue(), "a.tif"))

    np.testing.assert_allclose(sample.pixels[0, :, 0], [255, 155, 255], atol=1)
