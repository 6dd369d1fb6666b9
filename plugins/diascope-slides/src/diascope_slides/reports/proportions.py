"""Show slides whose pixels are not square in their true proportions."""

from diascope.sample import Overview

_EQUAL = 1.01  # sides that differ by at most this factor need no stretching


def stretched(size: tuple[int, int], overview: Overview) -> tuple[int, int]:
    """Return the (height, width) at which a picture of a slide has its true proportions.

    The longer side of the slide's pixels is stretched; nothing shrinks. Without a spacing, pixels
    count as square.

    Args:
        size: (height, width) of the picture, whose pixels are as those of the slide.
    """
    high, wide = overview.spacing_mm or (1.0, 1.0)
    if max(high, wide) <= _EQUAL * min(high, wide):
        return size
    finest = min(high, wide)
    return round(size[0] * high / finest), round(size[1] * wide / finest)
