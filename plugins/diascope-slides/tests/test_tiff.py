"""TIFFs as other programs write them: rotated, big-endian, or in another compression."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile

from diascope.errors import ReadError
from diascope.sample import Item
from diascope_slides.backends.vips import VipsSlide
from diascope_slides.detect import detect_kind
from diascope_slides.options import Assume
from diascope_slides.reader import SlideReader

NOISE = np.random.default_rng(1).integers(0, 256, (320, 448, 3), dtype=np.uint8)
MICROSCOPE: dict[str, Any] = {"resolution": (20_000, 20_000), "resolutionunit": 3}
TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda stored: stored,
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    6: lambda stored: np.rot90(stored, -1),
}


def kind_of(folder: Path, **options: Any) -> str | None:
    path = folder / "a.tif"
    tifffile.imwrite(path, NOISE, photometric="rgb", metadata=None, **options)
    return detect_kind(str(path), path.read_bytes()[:4096])


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("tagged", [1, 2], ids=["the finest level", "both levels"])
def test_levels_and_spacing_are_turned_as_the_orientation_says(
    tmp_path: Path, orientation: int, tagged: int
) -> None:
    tags = {"extratags": [(274, 3, 1, orientation, True)]}
    options: dict[str, Any] = {"photometric": "rgb", "tile": (64, 64), "resolutionunit": 3}
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for number, level in enumerate((NOISE, NOISE[::2, ::2])):
            turned = tags if number < tagged else {}
            file.write(level, resolution=(20_000, 10_000), metadata=None, **options, **turned)
    slide = VipsSlide(tmp_path / "a.tif")

    assert slide.spacing_um == pytest.approx((0.5, 1) if orientation == 6 else (1, 0.5))
    assert bool(slide.notes) == (orientation > 1)
    assert len(slide.levels) == (1 if orientation > 1 and tagged == 1 else 2)
    for number, level in enumerate(slide.levels):
        whole = slide.region(number, 0, 0, level.width, level.height)
        assert np.array_equal(whole, TURNS[orientation](NOISE[:: 2**number, :: 2**number]))


@pytest.mark.parametrize("resolution", [(0, 0), (0, 20_000)])
def test_a_resolution_of_0_is_neither_a_spacing_nor_damage(
    tmp_path: Path, resolution: tuple[int, int]
) -> None:
    options: dict[str, Any] = {"resolution": resolution, "resolutionunit": 3}
    tifffile.imwrite(tmp_path / "a.tif", NOISE, photometric="rgb", tile=(64, 64), **options)

    assert VipsSlide(tmp_path / "a.tif").spacing_um is None


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_a_tiled_tiff_is_a_slide_in_either_byte_order(
    tmp_path: Path, order: Any, big: bool
) -> None:
    options: dict[str, Any] = {"bigtiff": big, "byteorder": order} | MICROSCOPE

    assert kind_of(tmp_path, tile=(64, 64), **options) == "vips"
    assert kind_of(tmp_path, rowsperstrip=64, **options) == "picture"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, "picture"),
        ({"resolution": (300, 300), "resolutionunit": 2}, "picture"),
        (MICROSCOPE, "vips"),
        ({"bigtiff": True}, "vips"),
        ({"description": "Aperio"}, "vips or openslide"),
    ],
)
def test_a_small_tiled_tiff_without_a_spacing_is_left_to_the_image_reader(
    tmp_path: Path, order: Any, options: dict[str, Any], kind: str
) -> None:
    assert kind_of(tmp_path, tile=(64, 64), byteorder=order, **options) in kind


def test_a_tiled_tiff_with_levels_or_many_pixels_is_a_slide_even_without_a_spacing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "levels.tif"
    with tifffile.TiffWriter(path) as file:
        for level in (NOISE, NOISE[::2, ::2]):
            file.write(level, photometric="rgb", tile=(64, 64), metadata=None)
    assert detect_kind(str(path), path.read_bytes()[:4096]) == "vips"

    monkeypatch.setattr("diascope_slides.detect._PHOTO_PIXELS", NOISE.shape[0] * NOISE.shape[1] - 1)
    assert kind_of(tmp_path, tile=(64, 64)) == "vips"
    with pytest.raises(ReadError, match="write `read: image`"):
        next(SlideReader().read(Item("a", str(tmp_path / "a.tif"))))


def test_an_ome_tiff_in_strips_is_recognised_with_its_description_at_the_end(
    tmp_path: Path,
) -> None:
    image = pyvips.Image.new_from_array(NOISE, interpretation="srgb").copy()
    image.set_type(pyvips.GValue.gstr_type, "image-description", "<OME/>")
    image.tiffsave(str(tmp_path / "a.tif"))
    head = (tmp_path / "a.tif").read_bytes()[:4096]

    assert b"<OME" not in head
    assert detect_kind(str(tmp_path / "a.tif"), head) == "vips"


@pytest.mark.parametrize("description", ["", "Aperio Image Library"])
def test_an_unsupported_compression_is_not_reported_as_damage(
    tmp_path: Path, description: str
) -> None:
    path = tmp_path / "a.tif"
    options: dict[str, Any] = {"photometric": "rgb", "tile": (64, 64), "compression": "jpeg2000"}
    tifffile.imwrite(path, NOISE, description=description, metadata=None, **options)

    with pytest.raises(ReadError, match=r"is stored in a way that is not supported.*34712"):
        next(SlideReader(missing=Assume(0.5)).read(Item("a", str(path))))


@pytest.mark.parametrize(
    ("description", "kind"), [("Aperio Image Library|MPP = 0.25", "openslide"), ("", "vips")]
)
def test_a_truncated_slide_is_not_mistaken_for_a_picture_with_another_spacing(
    tmp_path: Path, description: str, kind: str
) -> None:
    path = tmp_path / "a.svs"
    options: dict[str, Any] = {"photometric": "rgb", "tile": (64, 64), "metadata": None}
    with tifffile.TiffWriter(path) as file:
        for level in (NOISE, NOISE[::4, ::4]):
            file.write(level, description=description, **options)
    with tifffile.TiffFile(path) as file:
        cut = path.read_bytes()[: file.pages[1].offset + 5]
    path.write_bytes(cut)

    assert detect_kind(str(path), cut[:4096]) == kind
    if kind == "openslide":
        with pytest.raises(ReadError, match="it cannot be opened, it is truncated or damaged"):
            next(SlideReader(missing=Assume(0.5)).read(Item("a", str(path))))
