"""The pictures of the html report, reduced so that all of them fit into the page."""

import base64
import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TEXT_BYTES = 1500  # of an item, without its pictures; a generous estimate
_JPEG_BYTES = 0.35  # per pixel of a photograph at the first of these qualities
_PNG_BYTES = 0.05  # per pixel of a heat map or a mask
_QUALITIES = (82, 65, 45)


@dataclass(frozen=True)
class PictureEncoder:
    """Encodes pictures for a page, reduced to a size.

    Attributes:
        side: the longest side in pixels.
        max_bytes: of a JPEG.
    """

    side: int
    max_bytes: float

    @classmethod
    def for_item(cls, item_bytes: float) -> "PictureEncoder":
        """Return the encoder for an item that may take so many bytes in the page."""
        return cls.for_bytes(max(0.0, item_bytes - _TEXT_BYTES) * 3 / 4)  # base64 takes 4 / 3

    @classmethod
    def for_bytes(cls, max_bytes: float, max_side: int = 320, layers: int = 0) -> "PictureEncoder":
        """Return that for a JPEG with ``layers`` PNGs over it, within so many bytes in all."""
        pixel = _JPEG_BYTES + layers * _PNG_BYTES
        side = int(min(max_side, max(32, math.sqrt(max_bytes / pixel))))
        return cls(side, max_bytes * _JPEG_BYTES / pixel)

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Return the reduced (height, width) of a picture; none is enlarged."""
        scale = min(1.0, self.side / max(height, width))
        return max(1, round(height * scale)), max(1, round(width * scale))

    def jpeg(self, preview: NDArray[np.uint8]) -> str:
        """Return ``(h, w, 3)`` as a JPEG in base64, in the best quality that fits."""
        from PIL import Image

        image = Image.fromarray(preview)
        image.thumbnail((self.side, self.side), Image.Resampling.LANCZOS)
        for quality in _QUALITIES:
            content = io.BytesIO()
            image.save(content, "JPEG", quality=quality, optimize=True)
            if content.tell() <= self.max_bytes:
                break
        return base64_text(content.getvalue())


def base64_text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
