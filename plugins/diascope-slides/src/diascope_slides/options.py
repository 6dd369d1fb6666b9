"""What a recipe can choose of the slide reader; see ``SlideReader`` for the meaning."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Assume:
    """Take a spacing as given.

    Args:
        assume: size of a full-resolution pixel in micrometres.
    """

    assume: float

    def __post_init__(self) -> None:
        if not 0 < self.assume < math.inf:
            raise ValueError(f"missing.assume must be above 0 um, got {self.assume}")


@dataclass(frozen=True)
class AtLevel:
    """Take the pixels of a level as they are.

    Args:
        level: its number, 0 for the finest.
    """

    level: int

    def __post_init__(self) -> None:
        if self.level < 0:
            raise ValueError(f"missing.level counts from 0, got {self.level}")


Missing = Literal["fail"] | Assume | AtLevel
