"""Bring a picture to the size that the network expects."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from diascope.sample import Sample

_WORTH_TURNING = 4  # times fewer pixels between the two passes: turning costs a copy


@dataclass(frozen=True)
class Resize:
    """Resize with anti-aliasing (bilinear, support widened by the scale).

    Pictures of 8 bits by Pillow; all others in float32, with Pillow's weights.

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
    if pixels.dtype == np.uint8:
        return _by_pillow(pixels, size)
    height, width = size
    if pixels.shape[0] * width * _WORTH_TURNING < pixels.shape[1] * height:
        resized = _turned(_rows(_turned(pixels), width))
        resized = _rows(resized, height)
    else:
        resized = _rows(pixels, height)
        resized = _turned(_rows(_turned(resized), width))
    if np.issubdtype(pixels.dtype, np.integer):
        limits = np.iinfo(pixels.dtype)
        resized = np.rint(resized.astype(np.float64)).clip(limits.min, limits.max)
    return resized.astype(pixels.dtype, copy=False)


def _by_pillow(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    from PIL import Image

    image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])
    resized = np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR))
    return resized if resized.ndim == 3 else resized[:, :, None]


def _turned(pixels: NDArray[Any]) -> NDArray[Any]:
    return np.swapaxes(pixels, 0, 1)


def _rows(pixels: NDArray[Any], height: int) -> NDArray[np.float32]:
    """Resize ``(H, W, C)`` to ``(height, W, C)`` in float32, by a sum over whole rows each."""
    pixels = pixels.astype(np.float32, order="C", copy=False)
    if len(pixels) == height:
        return pixels
    rows = pixels.reshape(len(pixels), -1)
    resized = np.empty((height, rows.shape[1]), np.float32)
    for row, first, end, weights in zip(resized, *_triangles(len(rows), height), strict=True):
        np.einsum("i,ij->j", weights[: end - first], rows[first:end], out=row)
    return resized.reshape(height, *pixels.shape[1:])


@lru_cache(maxsize=16)
def _triangles(length: int, target: int) -> tuple[list[int], list[int], NDArray[np.float32]]:
    """Return for each place of the target the first that it covers, the end, and the weights.

    They are Pillow's of ``BILINEAR``: a triangle around the place's middle, as wide to each side as
    the distance to the next place, but at least 1.
    """
    scale = length / target
    support = max(scale, 1.0)
    middle = (np.arange(target) + 0.5) * scale
    first = np.maximum(middle - support + 0.5, 0).astype(int)
    end = np.minimum(middle + support + 0.5, length).astype(int)
    covered = first[:, None] + np.arange((end - first).max())
    distance = np.abs(covered + 0.5 - middle[:, None]) / support
    weights = np.where(covered < end[:, None], np.maximum(1 - distance, 0), 0)
    weights = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return first.tolist(), end.tolist(), weights


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
