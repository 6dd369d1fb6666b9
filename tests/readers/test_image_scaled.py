"""Large JPEGs decoded at a reduced size."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms

from diascope.preprocessing.resize import Resize
from diascope.readers.image import ImageReader
from diascope.sample import Item, Sample
from tests.refusals import refused

Make = Callable[..., Item]


def photograph(width: int, height: int) -> Image.Image:
    """A picture with detail at every scale that decreases with its fineness, as in nature."""
    random = np.random.default_rng(0)
    layers = np.zeros((height, width, 3))
    for octave in range(2, 9):
        coarse = random.uniform(-1, 1, (2**octave, 2**octave, 3)) / octave
        channels = [
            Image.fromarray(coarse[:, :, number].astype(np.float32)).resize((width, height))
            for number in range(3)
        ]
        layers += np.stack([np.asarray(channel) for channel in channels], axis=2)
    return Image.fromarray(np.clip(layers * 70 + 128, 0, 255).astype(np.uint8))


def only(item: Item, least: int | None) -> Sample:
    (sample,) = ImageReader(least=least).read(item)
    return sample


@pytest.mark.parametrize(
    ("least", "fraction", "shape"),
    [
        (448, 1, (800, 1201, 3)),
        (400, 2, (400, 601, 3)),
        (201, 2, (400, 601, 3)),
        (200, 4, (200, 301, 3)),
        (20, 8, (100, 151, 3)),
    ],
)
def test_the_shorter_side_keeps_at_least_the_requested_pixels(
    make_item: Make, least: int, fraction: int, shape: tuple[int, ...]
) -> None:
    sample = only(make_item(photograph(1201, 800), "a.jpg"), least)

    assert sample.pixels.shape == shape
    expected = [f"decoded at 1/{fraction} of 1201x800"] if fraction > 1 else []
    assert list(sample.trace) == expected


def test_a_picture_is_decoded_at_full_size_by_default(make_item: Make) -> None:
    sample = only(make_item(photograph(900, 600), "a.jpg"), None)

    assert (sample.pixels.shape, sample.trace) == ((600, 900, 3), ())


@pytest.mark.parametrize("quality", [75, 95])
def test_the_resized_picture_hardly_differs_from_a_full_decode(
    make_item: Make, quality: int
) -> None:
    photo = make_item(photograph(1400, 1000), "a.jpg", quality=quality)

    full, scaled = (Resize(224)(only(photo, least)).pixels.astype(int) for least in (None, 448))

    assert np.abs(full - scaled).mean() < 0.5
    assert np.abs(full - scaled).max() <= 3


def test_a_png_is_never_scaled(make_item: Make) -> None:
    assert only(make_item(photograph(300, 200), "a.png"), 10).pixels.shape == (200, 300, 3)


def test_a_scaled_picture_is_turned_upright(make_item: Make) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    sample = only(make_item(photograph(800, 400), "a.jpg", exif=exif), 100)

    assert sample.pixels.shape == (200, 100, 3)
    assert sample.trace == ("decoded at 1/4 of 800x400", "EXIF orientation 6 applied")


def test_a_scaled_picture_keeps_its_profile(make_item: Make) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    sample = only(make_item(photograph(800, 400), "a.jpg", icc_profile=profile), 100)

    assert sample.pixels.shape == (100, 200, 3)
    assert "ICC profile" in sample.trace[-1]


def test_a_scaled_picture_in_cmyk_becomes_rgb(make_item: Make) -> None:
    sample = only(make_item(photograph(800, 400).convert("CMYK"), "a.jpg"), 100)

    assert sample.pixels.shape == (100, 200, 3)
    assert "CMYK converted to RGB" in sample.trace


def test_a_size_below_1_is_refused() -> None:
    message = refused(ImageReader, {"least": 0})

    assert message == "least must be a whole number of at least 1 or nothing, got 0"
