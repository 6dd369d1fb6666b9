"""The tissue mask: glass is empty, tissue is covered, and ink is excluded."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from diascope_slides.tissue import tissue_mask

SIDE = 400
GLASS, PINK, VIOLET = (242, 240, 243), (228, 160, 195), (130, 90, 165)
LC25000 = Path(__file__).parents[4] / "shared/data/pathology/lc25000"
Picture = NDArray[np.uint8]


def glass(noise: float = 2.0) -> Picture:
    """Return empty glass with camera noise."""
    random = np.random.default_rng(0)
    pixels = np.array(GLASS) + random.normal(size=(SIDE, SIDE, 3)) * noise
    return np.clip(pixels, 0, 255).astype(np.uint8)


def tissue() -> Picture:
    """Return a field full of pale ground and dark nuclei."""
    random = np.random.default_rng(1)
    nuclei = np.kron(random.random((SIDE // 8, SIDE // 8)) < 0.2, np.ones((8, 8)))
    pixels = np.where(nuclei[:, :, None] > 0, VIOLET, PINK) + random.normal(size=(SIDE, SIDE, 3))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def share(picture: Picture) -> float:
    return float(tissue_mask(picture).mean())


@pytest.mark.parametrize("noise", [0, 2, 4])
def test_empty_glass_has_no_tissue_however_noisy_it_is(noise: float) -> None:
    assert share(glass(noise)) == 0


def test_a_full_field_is_tissue_everywhere() -> None:
    assert share(tissue()) == 1


def test_a_half_field_is_divided_where_the_tissue_ends() -> None:
    picture = glass()
    picture[:, SIDE // 2 :] = tissue()[:, SIDE // 2 :]
    mask = tissue_mask(picture)

    assert mask[:, SIDE // 2 + 3 :].all()
    assert not mask[:, : SIDE // 2 - 3].any()


def test_a_corner_of_tissue_on_much_glass_is_found() -> None:
    picture = glass()
    picture[:40, :40] = tissue()[:40, :40]

    assert share(picture) == pytest.approx(0.01, rel=0.2)


@pytest.mark.parametrize("ink", [(20, 140, 90), (30, 60, 190), (15, 15, 18), (10, 30, 80)], ids=str)
def test_a_pen_mark_is_not_tissue_and_hides_the_tissue_below(ink: tuple[int, int, int]) -> None:
    picture = glass()
    picture[:, SIDE // 2 :] = tissue()[:, SIDE // 2 :]
    picture[100:140] = ink
    mask = tissue_mask(picture)

    assert not mask[:, : SIDE // 2 - 3].any()
    assert not mask[100:140].any()
    assert mask[150:, SIDE // 2 + 3 :].all()


@pytest.mark.parametrize("dense", [(60, 22, 62), (66, 40, 25)], ids=["epithelium", "pigment"])
def test_tissue_that_is_dark_but_coloured_is_kept(dense: tuple[int, int, int]) -> None:
    picture = tissue()
    picture[100:140] = dense

    assert share(picture) == 1


def test_specks_are_dropped_and_small_holes_are_filled() -> None:
    picture = tissue()
    picture[200:203, 200:203] = GLASS
    speck = glass()
    speck[200:202, 200:202] = PINK

    assert share(picture) == 1
    assert share(speck) == 0


def test_a_picture_of_one_pixel_has_a_mask() -> None:
    assert tissue_mask(np.full((1, 1, 3), 255, np.uint8)).shape == (1, 1)


def test_real_fields_of_solid_tissue_are_mostly_tissue() -> None:
    files = [file for file in sorted(LC25000.rglob("*.jpeg"))[::400] if "lungn" not in file.name]
    if not files:
        pytest.skip("needs ../shared/data")
    shares = [share(np.asarray(Image.open(file).convert("RGB"))) for file in files]

    assert np.median(shares) > 0.85
    assert min(shares) > 0.25
