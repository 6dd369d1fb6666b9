"""Write the pictures that the viewer lays over a slide: heat maps and the tissue mask.

The page scales both sides of a picture by the same factor, so each pixel of a layer covers a square
of displayed pixels of the slide. The last ones may extend beyond the edge.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.pages.heat import heat_png
from diascope_slides.reports.answers import Answer
from diascope_slides.reports.names import safe_name

_PIXELS = 2048  # maximum length of a layer's longer side


def save_heat(answer: Answer, label: str, folder: Path, size: tuple[int, int]) -> dict[str, Any]:
    """Write the heat map of a label; return its URL, its width and the limits of its colours.

    Args:
        size: (height, width) of the slide as displayed.
    """
    shape, (high, wide) = _shape_and_extent(size)
    height, width = answer.overview.size
    limits = answer.limits(label)
    path = folder / f"heat-{safe_name(label)}.png"
    path.write_bytes(heat_png(answer.heat(label, shape, (high * height, wide * width)), *limits))
    return {"url": f"slides/{answer.name}/{path.name}", "width": wide, "limits": limits}


def save_mask(answer: Answer, folder: Path, size: tuple[int, int]) -> dict[str, Any]:
    """Write a picture that is black but transparent on tissue; return its URL and its width.

    Args:
        size: (height, width) of the slide as displayed.
    """
    from PIL import Image

    (height, width), (high, wide) = _shape_and_extent(size)
    mask = answer.overview.mask
    rows, columns = _centres(height, high, mask.shape[0]), _centres(width, wide, mask.shape[1])
    image = Image.fromarray(mask[np.ix_(rows, columns)].astype(np.uint8)).convert("P")
    image.putpalette([0] * 6)
    path = folder / "tissue.png"
    image.save(path, transparency=1, bits=1, optimize=True)
    return {"url": f"slides/{answer.name}/{path.name}", "width": wide}


def _shape_and_extent(size: tuple[int, int]) -> tuple[tuple[int, int], tuple[float, float]]:
    """Return (height, width) of a layer in pixels, and in sides of the slide: at least 1."""
    side = math.ceil(max(size) / _PIXELS)
    height, width = (math.ceil(pixels / side) for pixels in size)
    return (height, width), (height * side / size[0], width * side / size[1])


def _centres(count: int, extent: float, length: int) -> NDArray[np.int_]:
    """Return which of ``length`` pixels of the slide lie under the centres of a layer's pixels."""
    centres = (np.arange(count) + 0.5) * extent * length / count
    return np.minimum(centres, length - 1).astype(np.int_)
