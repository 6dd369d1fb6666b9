"""The augmentation ``RandJPEG``, which simulates archives that compress pictures."""

import io
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Interval
from numpy.random import RandomState
from numpy.typing import NDArray


@dataclass(frozen=True)
class RandJPEG:
    """Compress the picture as JPEG of a random quality.

    Args:
        prob: probability that a picture is changed.
        quality: lowest and highest, 1 to 95, as in Pillow.
    """

    prob: Annotated[float, Interval(ge=0, le=1)] = 0.1
    quality: tuple[int, int] = (40, 95)
    api: ClassVar = (1, 2)

    def __post_init__(self) -> None:
        if not 1 <= self.quality[0] <= self.quality[1] <= 95:
            raise ValueError(f"quality must be two numbers from 1 to 95, got {self.quality}")

    def __call__(self, picture: NDArray[np.float32], random: RandomState) -> NDArray[np.float32]:
        """Return the picture ``(1 or 3, H, W)``, changed or not.

        Raises:
            ValueError: if it has another number of channels.
        """
        from PIL import Image

        if random.rand() >= self.prob:
            return picture
        if len(picture) not in (1, 3):
            raise ValueError(f"JPEG takes 1 or 3 channels, got {len(picture)}")
        quality = int(random.randint(self.quality[0], self.quality[1] + 1))
        values = (picture.clip(0, 1) * 255).round().astype(np.uint8)
        rows = values[0] if len(values) == 1 else np.moveaxis(values, 0, 2)
        file = io.BytesIO()
        Image.fromarray(rows).save(file, "JPEG", quality=quality)
        stored = np.asarray(Image.open(file), np.float32) / np.float32(255)
        return stored[None] if stored.ndim == 2 else np.moveaxis(stored, 2, 0)
