"""The augmentation ``RandChroma``, which simulates cameras and scanners with other colours."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Interval
from numpy.random import RandomState
from numpy.typing import NDArray

_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
"""From red, green and blue to Y, I and Q (Smith 1978, "Color gamut transform pairs")."""


@dataclass(frozen=True)
class RandChroma:
    """Change hue and saturation of an RGB picture; grey pixels and brightness are unchanged.

    Works in the I-Q plane of YIQ, the colour space of NTSC television: hue is the angle in this
    plane, saturation the distance from its origin.

    Args:
        prob: probability that a picture is changed.
        saturation: the saturation is multiplied by a factor in [1 - saturation, 1 + saturation].
        hue: largest rotation of the hue in either direction, as a fraction of a full turn.
    """

    prob: Annotated[float, Interval(ge=0, le=1)] = 0.1
    saturation: Annotated[float, Interval(ge=0, le=1)] = 0.3
    hue: Annotated[float, Interval(ge=0, le=0.5)] = 0.05
    api: ClassVar = (1, 2)

    def __call__(self, picture: NDArray[np.float32], random: RandomState) -> NDArray[np.float32]:
        """Return the picture ``(3, H, W)``, changed or not.

        Raises:
            ValueError: if it does not have 3 channels.
        """
        if random.rand() >= self.prob:
            return picture
        if len(picture) != 3:
            raise ValueError(f"chroma takes 3 channels, got {len(picture)}")
        factor = random.uniform(1 - self.saturation, 1 + self.saturation)
        angle = 2 * np.pi * random.uniform(-self.hue, self.hue)
        change = np.eye(3)
        change[1:, 1:] = factor * np.array(
            [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        )
        matrix = (np.linalg.inv(_YIQ) @ change @ _YIQ).astype(np.float32)
        changed: NDArray[np.float32] = matrix @ picture.reshape(3, -1)
        return changed.reshape(picture.shape)
