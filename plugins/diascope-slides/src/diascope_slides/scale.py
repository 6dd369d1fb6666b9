"""The scale of a tile: how many pixels of the slide correspond to one of its pixels."""

from typing import NamedTuple

from diascope.errors import ReadError
from diascope_slides.options import Assume, AtLevel, Missing
from diascope_slides.slide import Slide


class Scale(NamedTuple):
    """The size of a tile pixel. Pairs are (row, column).

    Attributes:
        factors: full-resolution pixels per tile pixel.
        um: size of a tile pixel in micrometres, if known.
        full_um: size of a full-resolution pixel in micrometres, if known or assumed.
        notes: trace lines on what was assumed.
    """

    factors: tuple[float, float]
    um: float | None
    full_um: tuple[float, float] | None
    notes: tuple[str, ...] = ()


def scale_of(slide: Slide, target_um: float, missing: Missing) -> Scale:
    """Return the scale at which a slide has the target spacing.

    Raises:
        ReadError: if the slide does not state its spacing and ``missing`` does not replace it.
    """
    if slide.spacing_um is not None:
        rows, columns = slide.spacing_um
        return Scale((target_um / rows, target_um / columns), target_um, slide.spacing_um)
    if isinstance(missing, Assume):
        um = missing.assume
        note = f"spacing assumed {um:g} um from the recipe"
        return Scale((target_um / um, target_um / um), target_um, (um, um), (note,))
    if isinstance(missing, AtLevel):
        return _at_level(slide, missing.level)
    raise ReadError(
        "the slide does not state its spacing",
        hint="If you know it, write `read: {slide: {missing: {assume: 0.5}}}` with its micrometres "
        "per pixel; `missing: {level: 0}` uses the pixels as they are. For an ordinary picture, "
        "write `read: image`.",
    )


def _at_level(slide: Slide, level: int) -> Scale:
    if level >= len(slide.levels):
        last = len(slide.levels) - 1
        raise ReadError(
            f"the slide does not state its spacing, and it has no level {level}",
            hint=f"Its levels are 0 to {last}.",
        )
    note = f"spacing not stated: pixels of level {level} as they are"
    return Scale(slide.levels[level].downsample, None, None, (note,))
