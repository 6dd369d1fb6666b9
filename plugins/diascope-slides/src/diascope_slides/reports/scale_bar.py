"""Choose the length of a scale bar: a round number of micrometres, millimetres or pixels."""

import math
from typing import NamedTuple

_MICRO = "\N{GREEK SMALL LETTER MU}m"


class ScaleBar(NamedTuple):
    """Length in full-resolution pixels, and the text beside the bar."""

    pixels: float
    text: str


def scale_bar(width: int, spacing_mm: float | None) -> ScaleBar:
    """Return the bar of the largest round length that takes at most a quarter of a slide's width.

    Args:
        width: width of the slide in full-resolution pixels.
        spacing_mm: size of a full-resolution pixel along the width; if None, the bar is in pixels.
    """
    if spacing_mm is None:
        pixels = _round_down(width / 4)
        return ScaleBar(pixels, f"{pixels:,.10g} px")
    micrometres = _round_down(width / 4 * spacing_mm * 1000)
    is_large = micrometres >= 1000
    text = f"{micrometres / 1000:,.10g} mm" if is_large else f"{micrometres:,.10g} {_MICRO}"
    return ScaleBar(micrometres / 1000 / spacing_mm, text)


def _round_down(limit: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, 50 ... (or 0.5, 0.2 ...) that is at most the limit."""
    power = 10.0 ** math.floor(math.log10(limit))
    return float(max(step * power for step in (1, 2, 5) if step * power <= limit))
