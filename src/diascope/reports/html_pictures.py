"""The html report's pictures, made small enough for the page to hold all of them."""

import base64
import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TEXT_BYTES = 1500  # what an item takes in the page besides its pictures, generously
_BYTES_A_PIXEL = 0.35  # JPEG of a photograph at the first of these qualities
_BYTES_A_FLAT_PIXEL = 0.05  # PNG of a heat map or a mask
_QUALITIES = (82, 65, 45)


@dataclass(frozen=True)
class Pictures:
    """How pictures are made small: longest side in pixels, and bytes that a JPEG may take."""

    side: int
    room: float

    @classmethod
    def within(cls, item_bytes: float) -> "Pictures":
        """Return what fits into an item's part of the page."""
        return cls.of(max(0.0, item_bytes - _TEXT_BYTES) * 3 / 4)  # base64: four bytes of three

    @classmethod
    def of(cls, room: float, longest: int = 320, layers: int = 0) -> "Pictures":
        """Return what fits into ``room`` bytes, with ``layers`` flat pictures of the same size."""
        pixel = _BYTES_A_PIXEL + layers * _BYTES_A_FLAT_PIXEL
        side = int(min(longest, max(32, math.sqrt(room / pixel))))
        return cls(side, room * _BYTES_A_PIXEL / pixel)

    def shape(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) of what becomes of a picture; none becomes larger."""
        scale = min(1.0, self.side / max(height, width))
        return max(1, round(height * scale)), max(1, round(width * scale))

    def jpeg(self, preview: NDArray[np.uint8]) -> str:
        """Return ``(h, w, 3)`` as a JPEG in base64, of the best quality for which there is room."""
        from PIL import Image

        image = Image.fromarray(preview)
        image.thumbnail((self.side, self.side), Image.Resampling.LANCZOS)
        for quality in _QUALITIES:
            content = io.BytesIO()
            image.save(content, "JPEG", quality=quality, optimize=True)
            if content.tell() <= self.room:
                break
        return base64_text(content.getvalue())


def base64_text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
