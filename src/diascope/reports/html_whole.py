"""The whole picture of an item that was read in regions, for the html report."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.pages.heat import heat_limits, heat_map, heat_png
from diascope.reports.html_pictures import PictureEncoder, base64_text
from diascope.sample import Overview, Prediction, Region

_MAX_SIDE = 768


def whole_picture_data(prediction: Prediction, max_bytes: float) -> dict[str, Any] | None:
    """Return the whole picture with mask, counts, and a heat map per label; None without one.

    Args:
        max_bytes: approximate size of all of it.
    """
    overview, regions = prediction.overview, prediction.regions
    if overview is None:
        return None
    labels = tuple(prediction.scores) if regions is not None else ()
    pictures = PictureEncoder.for_bytes(max_bytes, _MAX_SIDE, layers=1 + len(labels))
    shape = pictures.shape(*overview.mask.shape)
    heats = {}
    for column, label in enumerate(labels):
        assert regions is not None
        scores = regions.scores[:, column]
        limits = heat_limits(scores, prediction.score_kind)
        values = heat_map(regions.boxes, scores, overview.size, shape)
        heats[label] = {"png": base64_text(heat_png(values, *limits)), "limits": limits}
    return {
        "picture": pictures.jpeg(overview.picture),
        "shape": overview.mask.shape,
        "outside": base64_text(_mask_png(overview.mask, shape)),
        "counts": overview.counts,
        "heats": heats,
        "region": None
        if prediction.preview is None
        else _region_fractions(prediction.region, overview),
    }


def _mask_png(mask: NDArray[np.bool_], shape: tuple[int, int]) -> bytes:
    """Return a PNG of that shape, black outside of the mask and transparent within."""
    from PIL import Image

    image = Image.fromarray(mask).resize(shape[::-1], Image.Resampling.NEAREST)
    content = io.BytesIO()
    image.save(content, "PNG", transparency=1, optimize=True)
    return content.getvalue()


def _region_fractions(region: Region | None, overview: Overview) -> tuple[float, ...] | None:
    """Return left, top, width and height of a region as fractions of the whole picture."""
    if region is None:
        return None
    height, width = overview.size
    fractions = region.x / width, region.y / height, region.width / width, region.height / height
    return tuple(round(fraction, 6) for fraction in fractions)
