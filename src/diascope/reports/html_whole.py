"""The whole picture of an item that was read in regions: what the html report shows of it."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.pages.heat import heat_limits, heat_map, heat_png
from diascope.reports.html_pictures import Pictures, base64_text
from diascope.sample import Overview, Prediction, Region

_LONGEST = 768  # pixels, where few items leave much room


def whole(prediction: Prediction, room: float) -> dict[str, Any] | None:
    """Return picture, mask, counts, and a heat map a label; None if there is no whole picture.

    Args:
        room: about how many bytes all of it may take.
    """
    overview, regions = prediction.overview, prediction.regions
    if overview is None:
        return None
    labels = tuple(prediction.scores) if regions is not None else ()
    pictures = Pictures.of(room, _LONGEST, layers=1 + len(labels))
    shape = pictures.shape(*overview.mask.shape)
    heats = {}
    for place, label in enumerate(labels):
        assert regions is not None
        scores = regions.scores[:, place]
        limits = heat_limits(scores, prediction.score_kind)
        values = heat_map(regions.boxes, scores, overview.size, shape)
        heats[label] = {"png": base64_text(heat_png(values, *limits)), "limits": limits}
    return {
        "picture": pictures.jpeg(overview.picture),
        "shape": overview.mask.shape,
        "outside": base64_text(_outside(overview.mask, shape)),
        "counts": overview.counts,
        "heats": heats,
        "region": None if prediction.preview is None else _shares(prediction.region, overview),
    }


def _outside(mask: NDArray[np.bool_], shape: tuple[int, int]) -> bytes:
    """Return a PNG of that shape: black outside of the mask, clear within."""
    from PIL import Image

    image = Image.fromarray(mask).resize(shape[::-1], Image.Resampling.NEAREST)
    content = io.BytesIO()
    image.save(content, "PNG", transparency=1, optimize=True)
    return content.getvalue()


def _shares(region: Region | None, overview: Overview) -> tuple[float, ...] | None:
    """Return left, top, width and height of a region as shares of the whole picture."""
    if region is None:
        return None
    height, width = overview.size
    places = region.x / width, region.y / height, region.width / width, region.height / height
    return tuple(round(place, 6) for place in places)
