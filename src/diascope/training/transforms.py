"""Random transforms that MONAI lacks, which simulate effects of cameras, scanners and archives."""

import io
from typing import Any

import numpy as np
import torch
from monai.transforms import RandomizableTransform
from PIL import Image
from torch import Tensor

_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
"""From red, green and blue to Y, I and Q (Smith 1978, "Color gamut transform pairs")."""


class RandJPEG(RandomizableTransform):  # type: ignore[misc]
    """Compress the picture, ``(C, H, W)`` in [0, 1], as JPEG of a random quality.

    Args:
        quality: lowest and highest, 1 to 95, as in Pillow.
    """

    def __init__(self, prob: float = 0.1, quality: tuple[int, int] = (40, 95)) -> None:
        super().__init__(prob)
        low, high = quality
        if not 1 <= low <= high <= 95:
            raise ValueError(f"quality must be two numbers from 1 to 95, got {quality}")
        self.low, self.high = low, high

    def __call__(self, picture: Tensor) -> Tensor:
        self.randomize(None)
        if not self._do_transform:
            return picture
        if picture.shape[0] not in (1, 3):
            raise ValueError(f"JPEG takes 1 or 3 channels, got {picture.shape[0]}")
        quality = int(self.R.randint(self.low, self.high + 1))
        values = (np.asarray(picture).clip(0, 1) * 255).round().astype(np.uint8)
        rows = values[0] if len(values) == 1 else np.moveaxis(values, 0, 2)
        file = io.BytesIO()
        Image.fromarray(rows).save(file, "JPEG", quality=quality)
        stored = np.asarray(Image.open(file), np.float32) / 255
        return torch.from_numpy(stored[None] if stored.ndim == 2 else np.moveaxis(stored, 2, 0))


class RandVignette(RandomizableTransform):  # type: ignore[misc]
    """Darken the picture outside a circle, as a round lens does.

    Args:
        radius: smallest and largest, as a fraction of half the shorter side.
        strength: smallest and largest; 1 is black.
    """

    def __init__(
        self,
        prob: float = 0.1,
        radius: tuple[float, float] = (0.85, 1.3),
        strength: tuple[float, float] = (0.2, 1.0),
    ) -> None:
        super().__init__(prob)
        if not 0 < radius[0] <= radius[1] or not 0 <= strength[0] <= strength[1] <= 1:
            raise ValueError(
                f"radius must be above 0 and strength in [0, 1], got {radius} and {strength}"
            )
        self.radius, self.strength = radius, strength

    def __call__(self, picture: Tensor) -> Tensor:
        self.randomize(None)
        if not self._do_transform:
            return picture
        height, width = picture.shape[1:]
        radius = self.R.uniform(*self.radius) * min(height, width) / 2
        softness = self.R.uniform(0.02, 0.3) * radius
        strength = self.R.uniform(*self.strength)
        middle = (height / 2 + self._shift(height), width / 2 + self._shift(width))
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        distance = torch.hypot(rows - middle[0], columns - middle[1])
        outside = ((distance - radius) / softness).clamp(0, 1)
        darkened: Tensor = picture * (1 - strength * outside)
        return darkened

    def _shift(self, side: int) -> Any:
        return self.R.uniform(-0.06, 0.06) * side


class RandChroma(RandomizableTransform):  # type: ignore[misc]
    """Change hue and saturation of an RGB picture; grey pixels and brightness are unchanged.

    Works in the I-Q plane of YIQ, the colour space of NTSC television: hue is the angle in this
    plane, saturation the distance from its origin.

    Args:
        saturation: the saturation is multiplied by a factor in [1 - saturation, 1 + saturation].
        hue: largest rotation of the hue in either direction, as a fraction of a full turn.
    """

    def __init__(self, prob: float = 0.1, saturation: float = 0.3, hue: float = 0.05) -> None:
        super().__init__(prob)
        if not 0 <= saturation <= 1 or not 0 <= hue <= 0.5:
            raise ValueError(
                f"saturation must lie in [0, 1] and hue in [0, 0.5], got {saturation} and {hue}"
            )
        self.saturation, self.hue = saturation, hue

    def __call__(self, picture: Tensor) -> Tensor:
        self.randomize(None)
        if not self._do_transform:
            return picture
        if picture.shape[0] != 3:
            raise ValueError(f"chroma takes 3 channels, got {picture.shape[0]}")
        factor = self.R.uniform(1 - self.saturation, 1 + self.saturation)
        angle = 2 * np.pi * self.R.uniform(-self.hue, self.hue)
        change = np.eye(3)
        change[1:, 1:] = factor * np.array(
            [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        )
        matrix = torch.from_numpy(np.linalg.inv(_YIQ) @ change @ _YIQ).to(picture.dtype)
        changed: Tensor = torch.einsum("ij,jhw->ihw", matrix, picture)
        return changed
