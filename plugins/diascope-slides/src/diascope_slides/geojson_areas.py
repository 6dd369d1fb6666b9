"""Read the areas that a GeoJSON file outlines, and their classes, as QuPath and others write it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from diascope.display_text import quote
from diascope.errors import ReadError, reason_of


class Area(NamedTuple):
    """An object that covers an area.

    Attributes:
        name: its class, such as ``Tumor``; empty if it has none.
        shape: a valid shapely Polygon or MultiPolygon in full-resolution pixels.
    """

    name: str
    shape: Any


def read_areas(path: Path) -> list[Area]:
    """Return the areas in a file; points and lines are left out.

    Raises:
        ReadError: if it cannot be read or is not GeoJSON.
    """
    try:
        document = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ReadError(f"{quote(str(path))} cannot be read: {reason_of(error)}") from error
    except (ValueError, RecursionError) as error:
        raise _format_error(path, f"it is not JSON ({error})") from error
    return list(_areas(path, document))


def _areas(path: Path, document: Any) -> Iterator[Area]:
    for number, feature in enumerate(_features(path, document), 1):
        try:
            shape = _shape(feature["geometry"])
            name = _class_name(feature.get("properties") or {})
        except Exception as error:  # of any kind, as the document may be any JSON
            reason = f"its object {number} is not a valid feature ({reason_of(error)})"
            raise _format_error(path, reason) from error
        if shape is not None:
            yield Area(name, shape)


def _features(path: Path, document: Any) -> list[Any]:
    """Return the features of a FeatureCollection, of a list of features, or of one Feature."""
    found = document
    if isinstance(document, dict):
        is_one = document.get("type") == "Feature"
        found = [document] if is_one else document.get("features")
    if not isinstance(found, list):
        raise _format_error(path, "it has no features")
    return found


def _shape(geometry: Any) -> Any:
    """Return what of a geometry covers an area, as a valid shape; None if nothing does."""
    import shapely
    from shapely.geometry import shape

    if geometry is None:
        return None
    found = shape(geometry)
    if not np.isfinite(shapely.get_coordinates(found)).all():
        raise ValueError("a coordinate is not a finite number")
    parts = shapely.get_parts(found)
    while (shapely.get_type_id(parts) >= shapely.GeometryType.MULTIPOINT).any():  # collections
        parts = shapely.get_parts(parts)
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    valid = shapely.make_valid(polygons, method="structure", keep_collapsed=False)
    area = shapely.union_all(valid)
    return None if area.is_empty else area


def _class_name(properties: Any) -> str:
    """Return the class of an object; as in QuPath, subclasses are ``Tumor: Positive``.

    The classification of other programs is a text, or they only name the object.
    """
    stated = properties.get("classification")
    if isinstance(stated, dict):
        stated = stated.get("name") or ": ".join(stated.get("names") or ())
    return str(stated or properties.get("name") or "")


def _format_error(path: Path, reason: str) -> ReadError:
    message = f"the annotations {quote(str(path))} are not GeoJSON: {reason}"
    return ReadError(message, hint="In QuPath: File > Export objects as GeoJSON.")
