"""Open OME-TIFFs, plain tiled TIFFs and ordinary pictures with libvips."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from diascope.errors import ReadError
from diascope_slides.backends.ome import ome_spacing_um
from diascope_slides.slide import pyramid_levels

_MICROSCOPY_UM = (0.02, 20.0)  # pixel size; resolution tags beyond mean paper or screens
_DESCRIPTION, _LOADER, _UNIT = "image-description", "vips-loader", "resolution-unit"
_TIFF, _JPEG = "tiff", "jpeg"
_SIDEWAYS = (5, 6, 7, 8)  # orientations that swap rows and columns
_UNSIGNED = ("uchar", "ushort")  # 8 and 16 bit

pyvips.cache_set_max(0)  # the cache would keep 100 files open, including temporary ones


class VipsSlide:
    """See ``Slide``. Levels are the SubIFDs or the smaller pages of a TIFF."""

    library = "libvips"

    def __init__(self, path: Path) -> None:
        first = _load(path)
        self._images = [
            _to_rgb(image.autorot()) for image in (first, *_smaller_levels(path, first))
        ]
        self.levels = pyramid_levels([(image.height, image.width) for image in self._images])
        orientation, spacing = _orientation(first), spacing_um(first)
        self.spacing_um = spacing[::-1] if spacing and orientation in _SIDEWAYS else spacing
        self.facts: Mapping[str, str] = {}
        self.notes: tuple[str, ...] = (
            ("turned upright, as its orientation tag says",) if orientation != 1 else ()
        )

    def region(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        content = pyvips.Region.new(self._images[level]).fetch(x, y, width, height)
        return np.frombuffer(content, np.uint8).reshape(height, width, 3)

    def close(self) -> None:
        self._images.clear()


def _load(path: Path, **options: Any) -> Any:
    """Open a picture without rotating it, and fail on damage.

    libvips only warns if a tile of a TIFF cannot be decoded or a JPEG lost data, so for these
    formats warnings are errors. For others they are not: an odd colour profile of a PNG is one.
    """
    loader = pyvips.Image.new_from_file(str(path), revalidate=True).get(_LOADER)
    strict = "warning" if loader.startswith((_TIFF, _JPEG)) else "error"
    return pyvips.Image.new_from_file(str(path), revalidate=True, fail_on=strict, **options)


def _to_rgb(image: Any) -> Any:
    """Return 8-bit RGB on white; pixels are computed only when they are read."""
    if image.bands == 2 or image.bands > 4:
        raise ReadError(f"expected a colour or a grey picture, got {image.bands} channels")
    if image.format not in _UNSIGNED:
        raise ReadError(
            f"the picture holds {image.format} values; which of them mean black and white is not "
            "stated. Save it as 8 or 16 bit, unsigned"
        )
    colour = image.colourspace("srgb").cast("uchar")
    return colour.flatten(background=255) if colour.hasalpha() else colour


def _smaller_levels(path: Path, first: Any) -> list[Any]:
    """Return the levels below the first, the finest first.

    Pages with another shape or orientation are not levels.
    """
    if not first.get(_LOADER).startswith(_TIFF):
        return []
    pages = list(_further_pages(path, first))
    inner = [_load(path, subifd=number) for number in range(_number(first, "n-subifds", 0))]
    levels = [
        each
        for each in inner or pages
        if each.width < first.width
        and _same_shape(each, first)
        and _orientation(each) == _orientation(first)
    ]
    return sorted(levels, key=lambda level: level.width, reverse=True)


def _further_pages(path: Path, first: Any) -> Iterator[Any]:
    for number in range(1, _number(first, "n-pages", 1)):
        page = _load(path, page=number)
        if (page.width, page.height) == (first.width, first.height):
            raise ReadError(
                "it holds planes of the same size, such as focal planes or channels",
                hint="Write one plane in colour to a file of its own.",
            )
        yield page


def _same_shape(page: Any, first: Any) -> bool:
    """Return whether both sides were reduced by the same factor, allowing for rounding."""
    across, down = first.height * page.width, page.height * first.width
    return bool(abs(across - down) <= 2 * max(first.width, first.height))


def spacing_um(image: Any) -> tuple[float, float] | None:
    """Return the size of a pixel, (row, column) in micrometres, as OME-XML or else tags state it.

    None if they do not, or if they state that of paper or a screen.
    """
    if image.get_typeof(_DESCRIPTION):
        stated = ome_spacing_um(image.get(_DESCRIPTION))
        if stated is not None:
            return stated
    if image.get(_LOADER).startswith(_TIFF) and not image.get_typeof(_UNIT):
        return None  # without a unit, libvips assumes pixels per millimetre
    if not image.yres or not image.xres:
        return None
    tags = (1000 / image.yres, 1000 / image.xres)
    low, high = _MICROSCOPY_UM
    return tags if all(low <= um <= high for um in tags) else None


def _orientation(image: Any) -> int:
    return _number(image, "orientation", 1)


def _number(image: Any, field: str, default: int) -> int:
    with contextlib.suppress(pyvips.Error):
        return int(image.get(field))
    return default
