"""Bring a picture to the size that the network expects."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from diascope.sample import Sample

_BAND = 2**18  # pixels


@dataclass(frozen=True)
class Resize:
    """Resize with anti-aliasing (bilinear, support widened by the scale; Pillow underneath).

    Args:
        size: pixels of a side, or (height, width).
        fit: ``squash`` changes the aspect; ``crop`` keeps it and cuts the longer side's ends;
            ``pad`` keeps it and fills with black.
    """

    size: int | tuple[int, int]
    fit: Literal["squash", "crop", "pad"] = "squash"
    api: ClassVar = (1, 0)

    def __post_init__(self) -> None:
        if min(self._target) < 1:
            raise ValueError(f"size must be at least 1, got {self.size}")

    @property
    def _target(self) -> tuple[int, int]:
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    def __call__(self, sample: Sample) -> Sample:
        height, width = sample.pixels.shape[:2]
        target = self._target
        if (height, width) == target:
            return sample
        scales = target[0] / height, target[1] / width
        if self.fit != "squash":
            scales = (max(scales),) * 2 if self.fit == "crop" else (min(scales),) * 2
        inner = max(1, round(height * scales[0])), max(1, round(width * scales[1]))
        pixels = _placed(_resized(sample.pixels, inner), target, fill=sample.range[0])
        spacing = sample.spacing_mm
        if spacing is not None:
            spacing = spacing[0] * height / inner[0], spacing[1] * width / inner[1]
        note = f"resized {width}x{height} to {target[1]}x{target[0]} ({self.fit})"
        return sample.changed(pixels, note, spacing_mm=spacing)


def _resized(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    from PIL import Image

    if pixels.dtype == np.uint8:
        image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])
        resized = np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR))
        return resized if resized.ndim == 3 else resized[:, :, None]
    channels = [_channel(channel, size) for channel in np.moveaxis(pixels, 2, 0)]
    stacked: NDArray[Any] = np.stack(channels, axis=2)
    if np.issubdtype(pixels.dtype, np.integer):
        stacked = np.rint(stacked)
    return stacked.astype(pixels.dtype)


def _channel(channel: NDArray[Any], size: tuple[int, int]) -> NDArray[np.float32]:
    """Resize a channel in float32: a large one first across, in bands that stay in the cache.

    Pillow takes the same two steps on the whole, so the result is the same to the bit.
    """
    if _begins_across(channel.shape, size):
        step = max(1, _BAND // channel.shape[1])
        bands = [channel[top : top + step] for top in range(0, len(channel), step)]
        channel = np.concatenate([_by_pillow(band, (len(band), size[1])) for band in bands])
    return _by_pillow(channel, size)


def _begins_across(shape: tuple[int, ...], size: tuple[int, int]) -> bool:
    """Say whether Pillow surely resizes across, then down.

    From version 13 on it begins down if that makes the picture smaller sooner; where that begins
    is not documented, so the limits here keep well away.
    """
    height, width = shape
    shrinks = width >= 2 * size[1] and height * size[1] <= 4 / 3 * width * size[0]
    return shrinks and height <= 4 / 3 * width


def _by_pillow(channel: NDArray[Any], size: tuple[int, int]) -> NDArray[np.float32]:
    from PIL import Image

    image = Image.fromarray(channel.astype(np.float32, copy=False))
    return np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR))


def _placed(pixels: NDArray[Any], target: tuple[int, int], fill: float) -> NDArray[Any]:
    """Crop or pad around the centre to the target size."""
    for axis in (0, 1):
        extra = pixels.shape[axis] - target[axis]
        if extra > 0:
            start = extra // 2
            pixels = np.take(pixels, range(start, start + target[axis]), axis=axis)
        elif extra < 0:
            widths = [(0, 0)] * 3
            widths[axis] = (-extra // 2, -extra - (-extra // 2))
            pixels = np.pad(pixels, widths, constant_values=fill)
    return np.ascontiguousarray(pixels)
