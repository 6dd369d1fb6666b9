"""Draw polygons into a mask."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def polygon_mask(
    polygons: Sequence[Any], size: tuple[int, int], shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return a mask, ``(h, w)``, that is true where a pixel's centre lies in any of the polygons.

    Each edge of their union, holes included, inverts what is to the right of it in every row of
    centres that it crosses, which takes time for edges and pixels instead of their product. Most of
    the time goes into the union.

    Args:
        polygons: valid shapely Polygons and MultiPolygons.
        size: (height, width) that the mask covers from the origin, in units of the polygons.
        shape: (height, width) of the mask.
    """
    import shapely

    height, width = shape
    rings = shapely.get_rings(shapely.get_parts(shapely.union_all(polygons)))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    points = points * (width / size[1], height / size[0]) - 0.5  # centres at whole numbers
    is_edge = ring[:-1] == ring[1:]
    (x, y), (x_end, y_end) = points[:-1][is_edge].T, points[1:][is_edge].T
    first, last = (
        np.ceil(edge(y, y_end)).clip(0, height).astype(int) for edge in (np.minimum, np.maximum)
    )
    count = last - first
    edge = np.repeat(np.arange(len(count)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + first[edge]
    slope = (x_end - x)[edge] / (y_end - y)[edge]
    column = np.ceil(x[edge] + (row - y[edge]) * slope).clip(0, width).astype(int)
    crossings = np.bincount(row * (width + 1) + column, minlength=height * (width + 1))
    inside = crossings.reshape(height, width + 1)[:, :width].cumsum(axis=1) % 2
    mask: NDArray[np.bool_] = inside.astype(bool)
    return mask
