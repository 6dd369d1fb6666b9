"""Tinted glass: it is not tissue, and tissue on it is found as on neutral glass."""

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from diascope_slides.glass import remove_tint
from diascope_slides.tissue import tissue_mask

SIDE = 400
SHARED = Path(__file__).parents[4] / "shared/data"
TINTS = pytest.mark.parametrize(
    "tint", [(1, 0.97, 0.84), (0.8, 0.9, 1), (1, 0.87, 0.9), (0.93, 1, 0.95)], ids=str
)
YELLOW = (1, 0.97, 0.84)
Picture = NDArray[np.uint8]


def tinted(picture: Picture, tint: tuple[float, ...]) -> Picture:
    return np.rint(picture * np.array(tint)).astype(np.uint8)


def scanned(picture: Picture) -> Picture:
    """Return a picture with darker corners, as a JPEG."""
    y, x = np.mgrid[-1 : 1 : picture.shape[0] * 1j, -1 : 1 : picture.shape[1] * 1j]
    dark = (picture * (1 - 0.08 * (x**2 + y**2))[:, :, None]).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(dark).save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file))


def glass(noise: float = 2.0) -> Picture:
    pixels = 244 + np.random.default_rng(0).normal(size=(SIDE, SIDE, 3)) * noise
    return np.clip(pixels, 0, 255).astype(np.uint8)


def tissue(stain: float = 1.0) -> Picture:
    """Return a field full of nuclei on stroma; ``stain`` from 0 to 1 blends it with glass."""
    random = np.random.default_rng(1)
    nuclei = np.kron(random.random((SIDE // 5, SIDE // 5, 1)) < 0.3, np.ones((5, 5, 1)))
    fibres = random.normal(size=(SIDE, SIDE // 4, 1)).repeat(4, axis=1) * 15
    colours = np.where(nuclei > 0, (130, 90, 165), (228, 160, 195)) + fibres
    return np.clip(244 + (colours - 244) * stain, 0, 255).astype(np.uint8)


def island() -> Picture:
    """Return glass with tissue in its middle."""
    picture = glass()
    picture[120:280, 100:300] = tissue()[120:280, 100:300]
    return picture


@TINTS
@pytest.mark.parametrize("noise", [0, 2, 4])
def test_empty_glass_of_any_tint_has_no_tissue(tint: tuple[float, ...], noise: float) -> None:
    assert not tissue_mask(scanned(tinted(glass(noise), tint))).any()


@TINTS
def test_tissue_on_tinted_glass_is_found_as_on_neutral_glass(tint: tuple[float, ...]) -> None:
    expected = tissue_mask(island())
    mask = tissue_mask(scanned(tinted(island(), tint)))

    assert (mask & expected).sum() > 0.97 * (mask | expected).sum()


@pytest.mark.parametrize("white", [245, 255])
def test_smooth_pale_tissue_on_white_glass_is_kept(white: int) -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    pale = ((y - 200) / 80) ** 2 + ((x - 290) / 60) ** 2 < 1
    picture = np.full((SIDE, SIDE, 3), white, np.uint8)
    picture[120:280, 20:180] = tissue()[120:280, 20:180]
    picture[pale] = (240, 198, 216)

    assert tissue_mask(scanned(picture) if white < 255 else picture)[pale].mean() > 0.95


def test_a_picture_with_neutral_glass_stays_as_it_is() -> None:
    picture = Image.fromarray(island())

    assert remove_tint(picture) is picture


@pytest.mark.parametrize("stain", [1.0, 0.5, 0.25])
def test_a_field_full_of_tissue_however_pale_stays_as_it_is(stain: float) -> None:
    picture = Image.fromarray(tinted(tissue(stain), YELLOW))

    assert remove_tint(picture) is picture


def test_real_slides_have_the_same_tissue_under_yellow_light() -> None:
    file = SHARED / "slides/CMU-1-Small-Region.svs"
    if not file.exists():
        pytest.skip("needs ../shared/data")
    with Image.open(file) as slide:
        picture = np.asarray(slide.convert("RGB").reduce(4))
    expected = tissue_mask(picture)
    mask = tissue_mask(tinted(picture, (1, 0.975, 0.87)))

    assert (mask & expected).sum() > 0.97 * (mask | expected).sum()


def test_real_fields_that_show_tinted_glass_lose_the_glass_and_keep_the_tissue() -> None:
    folder = SHARED / "pathology/lc25000/lung_n"
    if not folder.exists():
        pytest.skip("needs ../shared/data")
    for name, share in {"lungn4141": 0.52, "lungn3839": 0.39, "lungn4482": 0.54}.items():
        picture = np.asarray(Image.open(folder / f"{name}.jpeg").convert("RGB"))

        assert tissue_mask(picture).mean() == pytest.approx(share, abs=0.05)
