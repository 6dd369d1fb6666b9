"""The backends: the same pixels from each of them, and errors where there are none."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image

from diascope.errors import NoPictureError, ReadError
from diascope.sample import Item, Sample
from diascope_slides.backends.ome import ome_spacing_um
from diascope_slides.backends.openslide import OpenSlideSlide
from diascope_slides.backends.vips import VipsSlide
from diascope_slides.detect import detect_kind
from diascope_slides.options import Assume
from diascope_slides.reader import SlideReader
from diascope_slides.slide import Slide

Make = Callable[..., Any]
NOISE = np.random.default_rng(1).integers(0, 256, (320, 448, 3), dtype=np.uint8)
SMOOTH = np.asarray(Image.fromarray(NOISE[:40, :56]).resize((448, 320), Image.Resampling.BICUBIC))
EVERY = SlideReader(tissue=0, tile=64)
ASSUMED = SlideReader(tissue=0, tile=64, missing=Assume(0.5))


def read(item: Item, reader: SlideReader = EVERY) -> list[Sample]:
    return list(reader.read(item))


def same_regions(one: Slide, other: Slide) -> None:
    random = np.random.default_rng(5)
    for number, level in enumerate(one.levels):
        for _ in range(20):
            width, height = (
                int(random.integers(1, side + 1)) for side in (level.width, level.height)
            )
            x = int(random.integers(0, level.width - width + 1))
            y = int(random.integers(0, level.height - height + 1))
            place = (number, x, y, width, height)
            assert np.array_equal(one.region(*place), other.region(*place))


@pytest.fixture
def jpeg_pyramid(tmp_path: Path) -> Path:
    """A pyramid of JPEG tiles written by libvips, with 0.5 um per pixel."""
    path = tmp_path / "jpeg.tif"
    image = pyvips.Image.new_from_array(SMOOTH).copy(xres=2000, yres=2000)
    image.tiffsave(
        str(path), tile=True, tile_width=64, tile_height=64, pyramid=True, compression="jpeg"
    )
    return path


def test_libvips_gives_the_pixels_of_openslide_on_jpeg_tiles(jpeg_pyramid: Path) -> None:
    one, other = VipsSlide(jpeg_pyramid), OpenSlideSlide(jpeg_pyramid)

    assert one.levels == other.levels
    assert one.spacing_um == pytest.approx(other.spacing_um)
    same_regions(one, other)


def test_libvips_gives_the_pixels_of_openslide_on_lossless_tiles(make_slide: Make) -> None:
    path = Path(make_slide(NOISE).uri)

    same_regions(VipsSlide(path), OpenSlideSlide(path))


def test_a_real_svs_is_read_by_openslide_with_the_pixels_of_libvips(real_slide: Make) -> None:
    item = real_slide("CMU-1-Small-Region.svs")
    one, other = OpenSlideSlide(Path(item.uri)), VipsSlide(Path(item.uri))
    first, *others = read(item, SlideReader(spacing_um=2))

    assert detect_kind(item.uri, Path(item.uri).read_bytes()[:4096]) == "openslide"
    assert one.spacing_um == (0.499, 0.499)
    assert np.array_equal(one.region(0, 500, 900, 300, 200), other.region(0, 500, 900, 300, 200))
    assert first.overview is not None
    assert 0.2 < first.overview.mask.mean() < 0.4
    assert len(others) == first.overview.counts["used"] - 1


def test_an_svs_with_another_extension_is_recognised(real_slide: Make, tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    shutil.copy(real_slide("CMU-1-Small-Region.svs").uri, path)

    assert detect_kind(str(path), path.read_bytes()[:4096]) == "openslide"


def test_an_ome_tiff_has_its_levels_in_subifds_and_its_spacing_in_xml(make_slide: Make) -> None:
    slide = VipsSlide(Path(make_slide(NOISE, "a.ome.tif", ome=True, spacing_um=0.7).uri))

    assert [level.downsample for level in slide.levels] == [(1, 1), (2, 2), (4, 4)]
    assert slide.spacing_um == (0.7, 0.7)
    assert np.array_equal(slide.region(0, 7, 9, 50, 40), NOISE[9:49, 7:57])


def test_the_unit_of_an_ome_spacing_is_respected() -> None:
    pixels = '<Pixels PhysicalSizeX="250" PhysicalSizeXUnit="nm" PhysicalSizeY="0.5"/>'

    assert ome_spacing_um(f'<OME xmlns="x"><Image>{pixels}</Image></OME>') == (0.5, 0.25)
    assert ome_spacing_um("Aperio Image Library |MPP = 0.5") is None
    assert ome_spacing_um('<OME><Pixels PhysicalSizeX="a" PhysicalSizeY="1"/></OME>') is None


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_an_ordinary_picture_is_read_on_request(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(NOISE).save(path, dpi=(300, 300))
    samples = read(Item("a", str(path)), ASSUMED)

    assert len(samples) == 5 * 7
    assert samples[0].trace[0] == "spacing assumed 0.5 um from the recipe"
    if suffix != "jpg":
        assert np.array_equal(samples[8].pixels, NOISE[64:128, 64:128])


def test_transparent_pixels_are_white(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64), (10, 20, 30, 0)).save(tmp_path / "a.png")
    (sample,) = read(Item("a", str(tmp_path / "a.png")), ASSUMED)

    assert (sample.pixels == 255).all()


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.int16, np.int32, np.uint32])
def test_pixels_without_a_stated_black_and_white_are_refused(tmp_path: Path, dtype: Any) -> None:
    tifffile.imwrite(tmp_path / "a.tif", (NOISE // 2).astype(dtype), photometric="rgb")

    with pytest.raises(ReadError, match="which of them mean black and white is not stated"):
        read(Item("a", str(tmp_path / "a.tif")), ASSUMED)


def test_a_tiff_of_16_bits_is_reduced_to_8(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", NOISE.astype(np.uint16) * 257, photometric="rgb")
    samples = read(Item("a", str(tmp_path / "a.tif")), ASSUMED)

    assert np.array_equal(samples[8].pixels, NOISE[64:128, 64:128])


def test_a_jpeg_without_its_second_half_is_damaged_although_it_has_an_end_marker(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(NOISE).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"\xff\xd9")

    with pytest.raises(ReadError, match="truncated or damaged"):
        read(Item("a", str(path)), ASSUMED)


@pytest.mark.parametrize("levels", [1, 2])
def test_planes_of_one_size_are_not_a_pyramid(tmp_path: Path, levels: int) -> None:
    options: dict[str, Any] = {"photometric": "rgb", "tile": (64, 64)}
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for _ in ("near", "far"):
            file.write(NOISE, subifds=levels - 1, metadata=None, **options)
            if levels > 1:
                file.write(NOISE[::2, ::2], subfiletype=1, metadata=None, **options)

    with pytest.raises(ReadError, match="planes of the same size"):
        read(Item("a", str(tmp_path / "a.tif")), ASSUMED)


def test_a_thumbnail_among_the_levels_hides_none_of_them(make_slide: Make) -> None:
    path = Path(make_slide(NOISE, factors=(1, 8, 2, 4)).uri)
    slide = VipsSlide(path)

    assert [level.downsample for level in slide.levels] == [(n, n) for n in (1, 2, 4, 8)]
    same_regions(slide, OpenSlideSlide(path))


@pytest.mark.parametrize("ome", [False, True])
def test_a_page_of_another_shape_is_not_a_level(tmp_path: Path, ome: bool) -> None:
    options: dict[str, Any] = {"photometric": "rgb", "tile": (64, 64), "metadata": None}
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(NOISE, subifds=2 if ome else None, **options)
        for smaller in (NOISE[:100, :224], NOISE[::4, ::4]):
            file.write(smaller, subfiletype=1, **options)

    levels = VipsSlide(tmp_path / "a.tif").levels
    assert [(level.height, level.width) for level in levels] == [(320, 448), (80, 112)]


def test_a_level_of_a_long_slide_is_one_whichever_side_was_rounded(tmp_path: Path) -> None:
    for shape, small in [((1000, 6000), (15, 93)), ((6000, 1000), (93, 15))]:
        with tifffile.TiffWriter(tmp_path / "a.tif") as file:
            for size in (shape, small):
                file.write(np.zeros((*size, 3), np.uint8), photometric="rgb", tile=(64, 64))

        assert len(VipsSlide(tmp_path / "a.tif").levels) == 2


@pytest.mark.parametrize(
    ("unit", "spacing"), [("NONE", None), ("INCH", 25_400 / 3000), ("CENTIMETER", 10_000 / 3000)]
)
def test_a_resolution_without_a_unit_is_not_a_spacing(
    tmp_path: Path, unit: str, spacing: float | None
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, NOISE, photometric="rgb", tile=(64, 64), resolution=(3000, 3000), resolutionunit=unit
    )
    stated = VipsSlide(path).spacing_um

    assert stated == (None if spacing is None else pytest.approx((spacing, spacing)))


def test_photos_are_left_to_the_image_reader(tmp_path: Path, make_slide: Make) -> None:
    Image.fromarray(NOISE).save(tmp_path / "photo.tif")
    slide = Path(make_slide(NOISE).uri)

    for head in (b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"):
        assert 0 < EVERY.sniff("a", head) < 60
    photo = tmp_path / "photo.tif"
    assert 0 < EVERY.sniff(str(photo), photo.read_bytes()[:4096]) < 60
    assert EVERY.sniff(str(slide), slide.read_bytes()[:4096]) == 100
    assert EVERY.sniff("s3://bucket/a.svs", b"II*\x00 ... Aperio Image Library") == 100
    assert EVERY.sniff("a.svs", b"only words") == 0


def test_a_truncated_file_is_reported_as_truncated_wherever_its_tags_are(
    jpeg_pyramid: Path, make_slide: Make
) -> None:
    for path in (jpeg_pyramid, Path(make_slide(NOISE).uri)):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])

        with pytest.raises(ReadError, match="truncated or damaged") as caught:
            read(Item("a", str(path)))
        assert not isinstance(caught.value, NoPictureError)


def test_a_damaged_tile_is_reported_if_the_overview_is_from_another_level(
    make_slide: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diascope_slides.overview._MASK_SIDE", 64)
    path = Path(make_slide(NOISE, factors=(1, 4)).uri)
    with tifffile.TiffFile(path) as file:
        offset = file.pages[0].dataoffsets[-1]
    content = bytearray(path.read_bytes())
    content[offset : offset + 60] = b"\0" * 60
    path.write_bytes(content)
    samples = EVERY.read(Item("a", str(path)))

    assert [next(samples).frame for _ in range(34)] == list(range(34))
    with pytest.raises(ReadError, match=r"tile 34 \(row 4, column 6 of the grid\): level 0"):
        next(samples)


def test_a_missing_tile_is_reported(make_slide: Make) -> None:
    path = Path(make_slide(NOISE, factors=(1,)).uri)
    with tifffile.TiffFile(path, mode="r+b") as file:
        for name in ("TileByteCounts", "TileOffsets"):
            tag = file.pages[0].tags[name]
            tag.overwrite([0 if number == 9 else value for number, value in enumerate(tag.value)])

    with pytest.raises(ReadError, match="level 0 is truncated or damaged"):
        read(Item("a", str(path)))
