"""How long a scale bar is: a round number of micrometres, millimetres or pixels."""

import math
from typing import NamedTuple

_MICRO = "\N{GREEK SMALL LETTER MU}m"


class ScaleBar(NamedTuple):
    """A length in pixels of the slide at its finest, and what to write beside it."""

    pixels: float
    text: str


def scale_bar(width: int, spacing_mm: float | None) -> ScaleBar:
    """Return the longest round bar that takes at most a quarter of a slide's width.

    Args:
        width: of the slide, in pixels at its finest.
        spacing_mm: size of such a pixel along the width; None makes the bar one of pixels.
    """
    if spacing_mm is None:
        pixels = _round(width / 4)
        return ScaleBar(pixels, f"{pixels:,.10g} px")
    micrometres = _round(width / 4 * spacing_mm * 1000)
    large = micrometres >= 1000
    text = f"{micrometres / 1000:,.10g} mm" if large else f"{micrometres:,.10g} {_MICRO}"
    return ScaleBar(micrometres / 1000 / spacing_mm, text)


def _round(most: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, 50 ... (or 0.5, 0.2 ...) that is not above."""
    power = 10.0 ** math.floor(math.log10(most))
    return float(max(step * power for step in (1, 2, 5) if step * power <= most))
