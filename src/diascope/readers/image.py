"""Read photographs and scans with Pillow."""

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import PurePosixPath
from typing import Annotated, Any, BinaryIO, ClassVar

import numpy as np
from annotated_types import Ge

from diascope.errors import ReadError
from diascope.library_warnings import capture_warnings
from diascope.readers.image_colours import scale_transparent_colour, to_rgb_or_grey, to_srgb
from diascope.readers.image_errors import (
    SUFFIXES,
    decode_error,
    is_heif,
    is_known,
    refuse_separate_planes,
    refuse_unknown_range,
    unknown_format_error,
)
from diascope.sample import Item, Sample

_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "BMP", "GIF")
_ORIENTATION = 0x0112
_NEW_SUBFILE_TYPE, _BITS, _PHOTOMETRIC = 254, 258, 262
_REDUCED = 1  # a bit of NewSubfileType (TIFF 6.0, section 8)


@dataclass(frozen=True)
class ImageReader:
    """JPEG, PNG, TIFF, WebP, BMP and GIF; each page or animation frame is a frame of the item.

    Pixels are ``(H, W, 3)`` uint8 RGB in sRGB, ``(H, W, 1)`` uint8 grey, or ``(H, W, 1)`` uint16
    grey with range (0, 65535), or (0, 4095) for a 12-bit TIFF. Colours of 16 bits keep their upper
    8 bits. EXIF orientation and ICC colour profiles are applied, CMYK and palette are converted,
    transparent pixels are laid on white, and preview pages of a TIFF are left out. Each of these
    operations adds a line to the trace.

    Args:
        least: decode large JPEGs at 1/2, 1/4 or 1/8 of their size, the smallest of these at which
            the shorter side still has at least this many pixels; up to eight times faster. Set it
            to at least twice the network's input size: after ``resize``, a pixel of a photograph
            then differs by at most about 3 of 255 from that of the full decode. None decodes at
            full size.
    """

    least: Annotated[int, Ge(1)] | None = None
    api: ClassVar = (1, 0)

    def sniff(self, path: str, head: bytes) -> int:
        if is_known(head):
            return 60
        if is_heif(head):  # low: a reader that can decode it should win
            return 20
        return 10 if PurePosixPath(path).suffix.lower() in SUFFIXES else 0

    def read(self, item: Item) -> Iterator[Sample]:
        with item.open() as file:
            image, pages, notes = _open(file, item)
            for frame, page in enumerate(pages):
                with capture_warnings() as caught:
                    sample = _decode(image, page, item, self.least)
                warnings = (f"the decoder warns: {warning.message}" for warning in caught)
                trace = (*notes, *sample.trace, *dict.fromkeys(warnings))
                yield replace(sample, frame=frame, trace=trace)


def _open(file: BinaryIO, item: Item) -> tuple[Any, list[int], list[str]]:
    """Return the undecoded picture, the pages to decode, and trace lines on pages left out."""
    from PIL import Image, UnidentifiedImageError

    try:
        with capture_warnings():  # relevant warnings are repeated when the picture is decoded
            image = Image.open(file, formats=_FORMATS)
            if image.format == "PNG":
                file.seek(0)
                content = BytesIO(file.read())  # a remote file would otherwise be fetched twice
                Image.open(content).verify()  # Pillow does not check checksums when it decodes
                image = Image.open(content)
            return image, *_pages(image)
    except UnidentifiedImageError as error:
        raise unknown_format_error(item, file) from error
    except Image.DecompressionBombError as error:
        raise ReadError(
            f"the picture is too large to be decoded safely: {error}; "
            "downscale it, or cut it into tiles"
        ) from error
    except (ReadError, MemoryError):
        raise
    except Exception as error:  # Pillow raises all kinds of errors on damaged files
        raise decode_error(error) from error


def _pages(image: Any) -> tuple[list[int], list[str]]:
    """Return the pages that are not previews, and trace lines on those left out."""
    if image.format == "MPO":  # the second picture is for the other eye, or a depth map
        return [0], []
    total = getattr(image, "n_frames", 1)
    if image.format != "TIFF":
        return list(range(total)), []
    pages = [page for page in range(total) if not _is_preview(image, page)]
    if not pages:
        raise ReadError(
            "it holds only a preview: is it a camera's raw file?",
            hint="Export it as JPEG or TIFF.",
        )
    left_out = total - len(pages)
    return pages, [f"previews left out: {left_out} of {total} pages"] if left_out else []


def _is_preview(image: Any, page: int) -> bool:
    image.seek(page)
    return bool(image.tag_v2.get(_NEW_SUBFILE_TYPE, 0) & _REDUCED)


def _decode(image: Any, page: int, item: Item, least: int | None) -> Sample:
    from PIL import ImageOps

    trace: list[str] = []
    try:
        image.seek(page)
        if least is not None and image.format in ("JPEG", "MPO"):
            _request_reduced(image, least, trace)
        scale_transparent_colour(image)
        _note_conversions(image, trace)  # before decoding, which discards this information
        refuse_unknown_range(image)
        refuse_separate_planes(image)
        image.load()
        is_turned = _orientation(image) != 1
        upright = ImageOps.exif_transpose(image) if is_turned else image  # avoids a copy
    except (ReadError, MemoryError):
        raise
    except Exception as error:
        raise decode_error(error) from error
    pixels = np.asarray(to_rgb_or_grey(to_srgb(upright, trace), trace))
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    white = 255
    if pixels.dtype == np.uint16:
        tags = getattr(image, "tag_v2", {})
        bits = tags.get(_BITS, (16,))[0]
        trace.append(f"{bits}-bit grey")
        white = 2**bits - 1
        if tags.get(_PHOTOMETRIC) == 0:  # Pillow inverts only 8-bit pictures
            trace.append("inverted, as the TIFF says that 0 is white")
            pixels = white - pixels
    return Sample(item, pixels, range=(0.0, float(white)), trace=tuple(trace))


def _request_reduced(image: Any, least: int, trace: list[str]) -> None:
    """Make Pillow decode a JPEG at a reduced size whose shorter side is at least ``least``."""
    width, height = image.size
    image.draft(None, (least, least))
    if image.size != (width, height):
        trace.append(f"decoded at 1/{image.decoderconfig[0]} of {width}x{height}")


def _note_conversions(image: Any, trace: list[str]) -> None:
    """Add trace lines for what Pillow does when it decodes: 8-bit colours, and upright TIFFs."""
    if image.mode in ("RGB", "RGBA", "LA") and ";16" in str(image.tile):
        trace.append("16 bits a channel reduced to 8")
    if (orientation := _orientation(image)) in range(2, 9):  # decodes a PNG
        trace.append(f"EXIF orientation {orientation} applied")


def _orientation(image: Any) -> Any:
    """Return the EXIF orientation; 1, upright, if it is missing or damaged."""
    with suppress(SyntaxError, struct.error):  # raised by Pillow for formats other than JPEG
        return image.getexif().get(_ORIENTATION, 1)
    return 1
