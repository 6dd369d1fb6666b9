"""Outlines of tiles as GeoJSON geometries."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def outlines(boxes: NDArray[np.int32]) -> Iterator[dict[str, Any]]:
    """Yield a Polygon for each of the ``(n, 4)`` boxes (x, y, width, height)."""
    for box in boxes:
        yield _polygon(*box.tolist())


def merge_boxes(boxes: NDArray[np.int32]) -> Iterator[tuple[dict[str, Any], NDArray[np.intp]]]:
    """Yield the outline of each group of touching or overlapping boxes, and the group's indices."""
    import shapely
    from shapely.geometry import mapping

    if not len(boxes):
        return
    x, y, width, height = boxes.T
    shapes = shapely.box(x, y, x + width, y + height)
    union = shapely.get_parts(shapely.unary_union(shapes))
    points = shapely.point_on_surface(shapes)
    indices, groups = shapely.STRtree(union).query(points, predicate="intersects")
    for number, outline in enumerate(union):
        yield mapping(shapely.normalize(outline)), indices[groups == number]


def _polygon(x: int, y: int, width: int, height: int) -> dict[str, Any]:
    right, bottom = x + width, y + height
    ring = [[x, y], [right, y], [right, bottom], [x, bottom], [x, y]]
    return {"type": "Polygon", "coordinates": [ring]}
