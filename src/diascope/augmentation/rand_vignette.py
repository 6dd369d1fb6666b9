"""The augmentation ``RandVignette``, which simulates round lenses."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Interval
from numpy.random import RandomState
from numpy.typing import NDArray


@dataclass(frozen=True)
class RandVignette:
    """Darken the picture outside a circle, as a round lens does.

    Args:
        prob: probability that a picture is changed.
        radius: smallest and largest, as a fraction of half the shorter side.
        strength: smallest and largest; 1 is black.
    """

    prob: Annotated[float, Interval(ge=0, le=1)] = 0.1
    radius: tuple[float, float] = (0.85, 1.3)
    strength: tuple[float, float] = (0.2, 1.0)
    api: ClassVar = (1, 2)

    def __post_init__(self) -> None:
        if not 0 < self.radius[0] <= self.radius[1]:
            raise ValueError(f"radius must be two numbers above 0, got {self.radius}")
        if not 0 <= self.strength[0] <= self.strength[1] <= 1:
            raise ValueError(f"strength must be two numbers in [0, 1], got {self.strength}")

    def __call__(self, picture: NDArray[np.float32], random: RandomState) -> NDArray[np.float32]:
        """Return the picture ``(C, H, W)``, changed or not."""
        if random.rand() >= self.prob:
            return picture
        height, width = picture.shape[1:]
        radius = random.uniform(*self.radius) * min(height, width) / 2
        softness = random.uniform(0.02, 0.3) * radius
        strength = random.uniform(*self.strength)
        middle = [side / 2 + random.uniform(-0.06, 0.06) * side for side in (height, width)]
        rows, columns = np.ogrid[:height, :width]
        distance = np.hypot(rows - middle[0], columns - middle[1])
        outside = ((distance - radius) / softness).clip(0, 1)
        darkened: NDArray[np.float32] = picture * (1 - strength * outside).astype(np.float32)
        return darkened
