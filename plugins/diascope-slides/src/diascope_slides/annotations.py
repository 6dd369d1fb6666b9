"""Restrict a slide to the areas that were annotated on it."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from diascope.display_text import format_some, plural, quote
from diascope.errors import NoPictureError, ReadError
from diascope.sample import Item
from diascope_slides.detect import base_name
from diascope_slides.geojson_areas import Area, read_areas
from diascope_slides.options import Annotations
from diascope_slides.polygon_mask import polygon_mask
from diascope_slides.reports.names import safe_name

_SUFFIXES = {".svs", ".ndpi", ".scn", ".mrxs", ".bif", ".svslide", ".vms", ".vmu"}
_SUFFIXES |= {".tif", ".tiff", ".btf", ".dcm", ".png", ".jpg", ".jpeg"}


def annotated_area(
    annotations: Annotations, item: Item, size: tuple[int, int], shape: tuple[int, int]
) -> tuple[NDArray[np.bool_], str]:
    """Return a mask of the area that annotations select on a slide, and a trace line on it.

    Args:
        size: (height, width) of the slide in full-resolution pixels.
        shape: (height, width) of the mask.

    Raises:
        ReadError: if the slide's file is missing, is not GeoJSON, lacks all included classes, or
            has nothing that lies on the slide.
        NoPictureError: if nothing of the slide is selected.
    """
    path = _find_file(annotations.files, item)
    areas = read_areas(path)
    _check_place(path, areas, size)
    used, removed = _select(path, areas, annotations)
    mask = ~_mask(removed, size, shape)
    if annotations.include != ():
        mask &= _mask(used, size, shape)
    note = f"restricted by {quote(path.name)} to {_describe(annotations, used, removed)}"
    if not mask.any():
        raise NoPictureError(
            f"{note}: nothing of the slide is left",
            hint="Write `include: []` to begin with the whole slide."
            if annotations.include is None and removed and not used
            else "",
        )
    return mask, note


def _find_file(folder: Path, item: Item) -> Path:
    """Return the GeoJSON file of a slide, named like the slide or as ``slide-geojson`` names it."""
    name = base_name(item.uri)
    path = PurePosixPath(name)
    stem = path.stem if path.suffix.lower() in _SUFFIXES else name  # a UID has dots, too
    names = (stem.removesuffix(".ome"), stem, name, safe_name(item.id))
    paths = dict.fromkeys(folder / f"{name}.geojson" for name in names)
    found = [path for path in paths if path.is_file()]
    if not found:
        raise ReadError(
            f"it has no annotations: there is no file {quote(str(next(iter(paths))))}",
            hint="Export them under this name, or leave the slide out of the inputs.",
        )
    if len(found) > 1:
        raise ReadError(
            f"it has several files of annotations: {' and '.join(quote(str(x)) for x in found)}",
            hint="Leave one of them in the folder.",
        )
    return found[0]


def _check_place(path: Path, areas: Sequence[Area], size: tuple[int, int]) -> None:
    import shapely

    height, width = size
    shapes = [area.shape for area in areas]
    if shapes and not shapely.intersects(shapes, shapely.box(0, 0, width, height)).any():
        left, top, right, bottom = shapely.total_bounds(shapes)
        raise ReadError(
            f"the annotations {quote(str(path))} lie beside the slide: they span x={left:.0f} to "
            f"{right:.0f} and y={top:.0f} to {bottom:.0f}; the slide has {width}x{height} pixels",
            hint="Export them from this slide, in pixels of its full resolution.",
        )


def _select(
    path: Path, areas: Sequence[Area], annotations: Annotations
) -> tuple[list[Area], list[Area]]:
    """Return the areas to use and those to remove.

    Raises:
        ReadError: if none has a class that is to be used.
    """
    include, exclude = annotations.include, annotations.exclude
    removed = [area for area in areas if area.name in exclude]
    if include is None:
        return [area for area in areas if area.name not in exclude], removed
    used = [area for area in areas if area.name in include]
    if include and not used:
        names = sorted({area.name for area in areas} - {""})
        stated = f"its classes are {format_some([*map(quote, names)])}" if names else "it has none"
        raise ReadError(
            f"no area in {quote(str(path))} has the class {' or '.join(include)}; {stated}",
            hint="Correct `include`, or leave the slide out of the inputs.",
        )
    return used, removed


def _mask(
    areas: Sequence[Area], size: tuple[int, int], shape: tuple[int, int]
) -> NDArray[np.bool_]:
    return polygon_mask([area.shape for area in areas], size, shape)


def _describe(annotations: Annotations, used: Sequence[Area], removed: Sequence[Area]) -> str:
    kept = "the whole slide" if annotations.include == () else plural(len(used), "area")
    if annotations.include:
        kept += f" of {' or '.join(annotations.include)}"
    if not annotations.exclude:
        return kept
    return f"{kept}, without {plural(len(removed), 'area')} of {' or '.join(annotations.exclude)}"
