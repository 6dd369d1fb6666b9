"""Resize a picture to the input size of the network."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from diascope.sample import Sample

# columns are resized first only if that makes the intermediate picture this many times smaller:
# transposing the whole picture costs a copy
_TRANSPOSE_FACTOR = 4


@dataclass(frozen=True)
class Resize:
    """Resize with anti-aliasing (bilinear, support widened by the scale).

    Pillow resizes 8-bit pictures. All others are resized in float32 with Pillow's weights.

    Args:
        size: side length in pixels, or (height, width).
        fit: ``squash`` changes the aspect ratio; ``crop`` keeps it and crops the longer side at
            both ends; ``pad`` keeps it and pads with black. Both first resize to whole pixels.
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
        pixels = _crop_or_pad(_resize(sample.pixels, inner), target, fill=sample.range[0])
        spacing = sample.spacing_mm
        if spacing is not None:
            spacing = spacing[0] * height / inner[0], spacing[1] * width / inner[1]
        note = f"resized {width}x{height} to {target[1]}x{target[0]} ({self.fit})"
        return sample.changed(pixels, note, spacing_mm=spacing)


def _resize(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    if pixels.dtype == np.uint8:
        return _resize_by_pillow(pixels, size)
    height, width = size
    if pixels.shape[0] * width * _TRANSPOSE_FACTOR < pixels.shape[1] * height:
        resized = _transpose(_resize_rows(_transpose(pixels), width))
        resized = _resize_rows(resized, height)
    else:
        resized = _resize_rows(pixels, height)
        resized = _transpose(_resize_rows(_transpose(resized), width))
    if np.issubdtype(pixels.dtype, np.integer):
        limits = np.iinfo(pixels.dtype)
        resized = np.rint(resized.astype(np.float64)).clip(limits.min, limits.max)
    return resized.astype(pixels.dtype, copy=False)


def _resize_by_pillow(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    from PIL import Image

    image = Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[:, :, 0])
    resized = np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR))
    return resized if resized.ndim == 3 else resized[:, :, None]


def _transpose(pixels: NDArray[Any]) -> NDArray[Any]:
    return np.swapaxes(pixels, 0, 1)


def _resize_rows(pixels: NDArray[Any], height: int) -> NDArray[np.float32]:
    """Resize ``(H, W, C)`` to ``(height, W, C)`` in float32; each row is a weighted sum of rows."""
    pixels = pixels.astype(np.float32, order="C", copy=False)
    if len(pixels) == height:
        return pixels
    rows = pixels.reshape(len(pixels), -1)
    resized = np.empty((height, rows.shape[1]), np.float32)
    for row, first, end, weights in zip(
        resized, *_triangle_weights(len(rows), height), strict=True
    ):
        np.einsum("i,ij->j", weights[: end - first], rows[first:end], out=row)
    return resized.reshape(height, *pixels.shape[1:])


@lru_cache(maxsize=16)
def _triangle_weights(length: int, target: int) -> tuple[list[int], list[int], NDArray[np.float32]]:
    """Return for each target position the first source position, the end, and the weights.

    The weights are those of Pillow's ``BILINEAR``: a triangle around the centre of the target
    position, whose half width is the scale, but at least 1 source pixel.
    """
    scale = length / target
    support = max(scale, 1.0)
    centre = (np.arange(target) + 0.5) * scale
    first = np.maximum(centre - support + 0.5, 0).astype(int)
    end = np.minimum(centre + support + 0.5, length).astype(int)
    covered = first[:, None] + np.arange((end - first).max())
    distance = np.abs(covered + 0.5 - centre[:, None]) / support
    weights = np.where(covered < end[:, None], np.maximum(1 - distance, 0), 0)
    weights = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return first.tolist(), end.tolist(), weights


def _crop_or_pad(pixels: NDArray[Any], target: tuple[int, int], fill: float) -> NDArray[Any]:
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
