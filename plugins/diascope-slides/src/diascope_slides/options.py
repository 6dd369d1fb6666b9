"""Types of the slide reader's options; ``SlideReader`` explains them."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Interval


@dataclass(frozen=True)
class Assume:
    """Assume a spacing.

    Args:
        assume: size of a full-resolution pixel in micrometres.
    """

    assume: Annotated[float, Interval(gt=0, lt=math.inf)]


@dataclass(frozen=True)
class AtLevel:
    """Use the pixels of a level without resampling.

    Args:
        level: number of the level; 0 is the finest.
    """

    level: Annotated[int, Ge(0)]


Missing = Literal["fail"] | Assume | AtLevel
