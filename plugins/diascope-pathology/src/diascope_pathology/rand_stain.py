"""The augmentation ``RandStain``, which simulates the stains of other laboratories."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Interval
from numpy.random import RandomState
from numpy.typing import NDArray

from diascope_pathology.stain import hed_densities, optical_density


@dataclass(frozen=True)
class RandStain:
    """Change the amount of each stain at random, as it varies between laboratories and scanners.

    The optical density is split into haematoxylin, eosin and residual; each part S becomes
    a S + b, with a in [1 - strength, 1 + strength] and b in [-strength, strength].

    Source: Tellez et al. 2018, "Whole-Slide Mitosis Detection in H&E Breast Histology Using PHH3
    as a Reference to Train Distilled Stain-Invariant Convolutional Networks", and 2019,
    "Quantifying the effects of data augmentation and stain color normalization in convolutional
    neural networks for computational pathology", where 0.05 is light and 0.2 strong.

    Args:
        prob: probability that a picture is changed.
        strength: of the change, from 0 to 1.
    """

    prob: Annotated[float, Interval(ge=0, le=1)] = 0.5
    strength: Annotated[float, Interval(ge=0, le=1)] = 0.05
    api: ClassVar = (1, 2)

    def __call__(self, picture: NDArray[np.float32], random: RandomState) -> NDArray[np.float32]:
        """Return the picture ``(3, H, W)``, changed or not.

        Raises:
            ValueError: if it does not have 3 channels.
        """
        if len(picture) != 3:
            raise ValueError(f"RandStain takes 3 channels, got {len(picture)}")
        chosen = random.uniform() < self.prob
        factors = random.uniform(1 - self.strength, 1 + self.strength, 3)
        shifts = random.uniform(-self.strength, self.strength, 3)
        if not chosen:
            return picture
        colours = hed_densities().astype(np.float64)
        # density D = S @ colours, so (a S + b) @ colours is an affine function of D
        change = np.linalg.inv(colours) @ np.diag(factors) @ colours
        density = optical_density(picture).reshape(3, -1)
        changed = change.T.astype(np.float32) @ density
        changed += (shifts @ colours).astype(np.float32)[:, None]
        return np.exp(-changed, out=changed).reshape(picture.shape)
