"""Types of the slide reader's options; ``SlideReader`` explains them."""

import math
from dataclasses import dataclass, field
from pathlib import Path
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


@dataclass(frozen=True)
class Annotations:
    """Restrict slides to areas that were annotated.

    Args:
        files: folder with the GeoJSON files.
        include: classes whose areas are used; None for all objects, empty for the whole slide.
        exclude: classes whose areas are removed.

    Attributes:
        present: the GeoJSON files in the folder. All paths among a plugin's values are part of the
            run's digest with their content, so that a changed annotation gives new answers.
    """

    files: Path
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    present: tuple[Path, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.include == () and not self.exclude:
            raise ValueError("exclude must name a class if include is empty")
        if twice := set(self.include or ()) & set(self.exclude):
            raise ValueError(f"exclude has classes of include: {', '.join(sorted(twice))}")
        present = tuple(sorted(self.files.glob("*.geojson")))
        object.__setattr__(self, "present", present)
