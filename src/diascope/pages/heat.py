"""Heat maps: the scores of regions as colours over the whole picture.

The colours are matplotlib's viridis (van der Walt and Smith 2015), which is perceptually uniform,
also in print and for the colour-blind.
"""

import io

import numpy as np
from numpy.typing import NDArray

from diascope.sample import ScoreKind

_VIRIDIS = bytes.fromhex(
    "440154 481467 482576 453781 404688 39558c 33638d 2d718e 287d8e "
    "238a8d 1f968b 20a386 29af7f 3dbc74 56c667 75d054 95d840 bade28 dde318 fde725"
)
_STEPS = 255  # colours; the last of the palette's 256 entries is transparent


def heat_map(
    boxes: NDArray[np.int32],
    scores: NDArray[np.float32],
    size: tuple[float, float],
    shape: tuple[int, int],
) -> NDArray[np.float32]:
    """Return ``(h, w)``, the mean score of the regions that cover each pixel, NaN without any.

    A region covers at least one pixel; parts outside the picture are cut off.

    Args:
        boxes: ``(n, 4)``: x, y, width and height of each region, in pixels of the whole picture.
        scores: ``(n,)``, of one label.
        size: (height, width) of the whole picture.
        shape: (h, w) of the map.
    """
    left, right = _edges(boxes[:, 0], boxes[:, 2], size[1], shape[1])
    top, bottom = _edges(boxes[:, 1], boxes[:, 3], size[0], shape[0])
    corners = ((top, left, 1), (top, right, -1), (bottom, left, -1), (bottom, right, 1))
    count, total = (
        _sum_over_regions(corners, np.ones(len(boxes)), shape),
        _sum_over_regions(corners, scores, shape),
    )
    covered = count > 0.5
    result = np.full(shape, np.nan, np.float32)
    result[covered] = total[covered] / np.rint(count[covered])
    return result


def heat_limits(scores: NDArray[np.float32], kind: ScoreKind) -> tuple[float, float]:
    """Return the scores of the first and last colour: 0 and 1, or for logits -max to +max."""
    if kind != "logit":
        return 0.0, 1.0
    reach = float(np.abs(scores).max(initial=0.0)) or 1.0
    return -reach, reach


def heat_png(values: NDArray[np.float32], low: float = 0.0, high: float = 1.0) -> bytes:
    """Return ``(h, w)`` as a PNG: colours from ``low`` to ``high``, transparent where NaN."""
    from PIL import Image

    finite = np.isfinite(values)
    fractions = np.clip((np.where(finite, values, low) - low) / ((high - low) or 1.0), 0, 1)
    steps = np.where(finite, np.rint(fractions * (_STEPS - 1)), _STEPS).astype(np.uint8)
    image = Image.fromarray(steps).convert("P")
    image.putpalette([*viridis_colours().ravel().tolist(), 0, 0, 0])
    content = io.BytesIO()
    image.save(content, "PNG", transparency=_STEPS, optimize=True)
    return content.getvalue()


def viridis_colours() -> NDArray[np.uint8]:
    """Return ``(255, 3)`` uint8: the colours from the lowest score to the highest."""
    stops = np.frombuffer(_VIRIDIS, np.uint8).reshape(-1, 3)
    positions, steps = np.linspace(0, 1, len(stops)), np.linspace(0, 1, _STEPS)
    table = np.stack([np.interp(steps, positions, channel) for channel in stops.T], axis=1)
    return np.rint(table).astype(np.uint8)


def ramp_css() -> str:
    """Return the custom property ``--heat``: the colours as a gradient from left to right."""
    stops = ", ".join(f"#{stop}" for stop in _VIRIDIS.hex(" ", 3).split())
    return f":root {{ --heat: linear-gradient(90deg, {stops}); }}\n"


_Corner = tuple[NDArray[np.int64], NDArray[np.int64], int]


def _edges(
    starts: NDArray[np.int32], lengths: NDArray[np.int32], whole: float, pixels: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each region's first pixel and the one after its last, along one axis of the map."""
    scale = pixels / whole
    first = np.rint(starts * scale).astype(np.int64).clip(0, pixels - 1)
    last = np.rint((starts.astype(np.int64) + lengths) * scale).astype(np.int64)
    return first, last.clip(first + 1, pixels)


def _sum_over_regions(
    corners: tuple[_Corner, ...], weights: NDArray[np.floating], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Return ``(h, w)``, the sum of the weights of the regions that cover each pixel.

    Each region marks only its four corners; two cumulative sums fill its inside.
    """
    marks = np.zeros((shape[0] + 1, shape[1] + 1))
    for rows, columns, sign in corners:
        np.add.at(marks, (rows, columns), sign * weights.astype(np.float64))
    return marks.cumsum(axis=0).cumsum(axis=1)[:-1, :-1]
