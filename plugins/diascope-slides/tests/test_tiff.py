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
TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda stored: stored,
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    6: lambda stored: np.rot90(stored, -1),
}


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
    kinds = []
    for layout in ({"tile": (64, 64)}, {"rowsperstrip": 64}):
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, NOISE, photometric="rgb", bigtiff=big, byteorder=order, **layout)
        kinds.append(detect_kind(str(path), path.read_bytes()[:4096]))

    assert kinds == ["vips", "picture"]


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
