"""Types of the slide reader's options; ``SlideReader`` explains them."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Assume:
    """Assume a spacing.

    Args:
        assume: size of a full-resolution pixel in micrometres.
    """

    assume: float

    def __post_init__(self) -> None:
        if not 0 < self.assume < math.inf:
            raise ValueError(f"missing.assume must be above 0 um, got {self.assume}")


@dataclass(frozen=True)
class AtLevel:
    """Use the pixels of a level without resampling.

    Args:
        level: number of the level; 0 is the finest.
    """

    level: int

    def __post_init__(self) -> None:
        if self.level < 0:
            raise ValueError(f"missing.level counts from 0, got {self.level}")


Missing = Literal["fail"] | Assume | AtLevel
