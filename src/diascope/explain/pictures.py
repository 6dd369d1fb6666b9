"""Arrays as pictures, in colours that colour-blind readers can distinguish, as data URIs.

Maps without negative values are drawn in viridis, which is perceptually uniform. Evidence for and
against is drawn in orange and blue, as in the report of a run.
"""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.pages.heat import viridis_colours

FOR, AGAINST = (255, 150, 40), (84, 160, 255)
SIGNED = np.array([
    (45, 105, 190), (84, 160, 255), (165, 205, 250), (244, 244, 244), (250, 205, 160),
    (240, 140, 40), (165, 80, 5),
], np.uint8)  # fmt: skip
"""A diverging colour map with 0 in the middle, for maps that are not an overlay."""

_DIM = 0.45  # brightness of a picture under a map
_MAX_OPACITY = 0.8
_MIN_SIDE = 384  # of an overlay


def jpeg_uri(pixels: NDArray[np.uint8], side: int = 320) -> str:
    """Return ``(h, w, 3)`` as a JPEG, reduced to at most ``side`` pixels."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return _encode_uri(image, "jpeg", quality=88)


def png_uri(pixels: NDArray[np.uint8]) -> str:
    """Return ``(h, w, 3)``, or ``(h, w, 4)`` with opacity, as a PNG."""
    from PIL import Image

    return _encode_uri(Image.fromarray(pixels), "png")


def map_uri(numbers: NDArray[np.float32]) -> str:
    """Return a map ``(h, w)`` in viridis, from 0 to its maximum; diverging if it has negatives."""
    reach = float(np.abs(numbers).max(initial=0.0)) or 1.0
    if numbers.min(initial=0.0) < 0:
        return _palette_png((numbers / reach + 1) / 2, SIGNED)
    return _palette_png(numbers / reach, viridis_colours())


def overlay_uri(picture: NDArray[np.uint8], numbers: NDArray[np.float32], reach: float) -> str:
    """Return a map over a dimmed picture ``(H, W, 3)``: orange above 0, blue below.

    Args:
        reach: the magnitude drawn at full opacity.
    """
    from PIL import Image

    height, width = picture.shape[:2]
    grow = max(1, -(-_MIN_SIDE // max(height, width)))
    size = (width * grow, height * grow)
    cells = np.asarray(Image.fromarray(numbers).resize(size, Image.Resampling.BICUBIC))
    ground = np.asarray(Image.fromarray(picture).convert("L").resize(size)) * _DIM
    opacity = (np.clip(np.abs(cells) / reach, 0, 1) ** 0.85 * _MAX_OPACITY)[:, :, None]
    tint = np.where(cells[:, :, None] < 0, AGAINST, FOR)
    mixed = ground[:, :, None] * (1 - opacity) + tint * opacity
    return _encode_uri(Image.fromarray(np.rint(mixed).astype(np.uint8)), "jpeg", quality=85)


def to_display_pixels(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return ``(H, W, C)`` as ``(H, W, 3)``, stretched from its minimum to its maximum."""
    numbers = pixels[:, :, : 3 if pixels.shape[2] >= 3 else 1]
    low, high = float(numbers.min()), float(numbers.max())
    scaled = np.subtract(numbers, low, dtype=np.float32)  # in place: photographs are large
    scaled *= 255 / ((high - low) or 1.0)
    pixels = np.rint(scaled, out=scaled).astype(np.uint8)
    return pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2)


def pack_numbers(numbers: NDArray[Any]) -> dict[str, Any]:
    """Return numbers for the page's script: uint8 as it is, everything else as float32."""
    kind = "u1" if numbers.dtype == np.uint8 else "f4"
    content = np.ascontiguousarray(numbers, f"<{kind}").tobytes()
    return {"type": kind, "shape": numbers.shape, "data": base64.b64encode(content).decode("ascii")}


def _palette_png(values: NDArray[np.floating[Any]], stops: NDArray[np.uint8]) -> str:
    """Return values in [0, 1] as a PNG, with a palette of ``(n, 3)`` evenly spaced stops."""
    from PIL import Image

    steps, places = np.linspace(0, len(stops) - 1, 256), np.arange(len(stops))
    palette = np.stack([np.interp(steps, places, channel) for channel in stops.T], axis=1)
    image = Image.fromarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8), "L")
    image.putpalette(np.rint(palette).astype(np.uint8).tobytes())
    return _encode_uri(image, "png")


def _encode_uri(image: Any, kind: str, **options: Any) -> str:
    content = io.BytesIO()
    image.save(content, kind.upper(), optimize=True, **options)
    return f"data:image/{kind};base64,{base64.b64encode(content.getvalue()).decode('ascii')}"
