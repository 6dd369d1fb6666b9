"""From a decoded frame to a picture as it is meant to be seen, grey or RGB.

The order is that of PS3.3 C.7.6.3, C.11.1 and C.11.2 and of PS3.4 N.2.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from diascope.errors import ReadError
from diascope.readers.dicom_modality import apply_modality
from diascope.readers.dicom_options import Window
from diascope.readers.dicom_palette import apply_palette
from diascope.readers.dicom_tags import integer, tag_name, text, to_signed
from diascope.readers.dicom_values import (
    PaddingTest,
    StoredFrame,
    from_distinct_values,
    from_pixels,
)
from diascope.readers.dicom_voi import DisplayRange, apply_voi


class DisplayFrame(NamedTuple):
    """Pixels ``(H, W, 1 or 3)``, the values that mean black and white, and lines for the trace."""

    pixels: NDArray[Any]
    range: DisplayRange
    trace: list[str]


def to_display(stored: NDArray[Any], header: Dataset, window: Window) -> DisplayFrame:
    """Return one frame with black low and white high.

    Args:
        stored: ``(H, W)`` or ``(H, W, 3)``, as decoded; YBR was converted by the decoder.
        header: as it holds for this frame.
        window: see ``DicomReader``.

    Raises:
        ReadError: naming the tag, if the header lacks what is needed or contradicts itself.
    """
    kind = text(header, "PhotometricInterpretation")
    if kind in ("MONOCHROME1", "MONOCHROME2") and stored.ndim == 2:
        return _grey(stored, header, window, inverted=kind == "MONOCHROME1")
    if kind == "PALETTE COLOR" and stored.ndim == 2:
        pixels, white = apply_palette(stored, header)
        return DisplayFrame(pixels, (0.0, white), ["palette converted to RGB"])
    if stored.ndim == 3 and stored.shape[2] == 3 and (kind == "RGB" or kind.startswith("YBR_")):
        bits = integer(header, "BitsStored") or stored.dtype.itemsize * 8
        trace = [] if kind == "RGB" else [f"{kind} converted to RGB"]
        return DisplayFrame(stored, (0.0, 2.0**bits - 1), trace)
    channels = 1 if stored.ndim == 2 else stored.shape[2]
    tag = tag_name("PhotometricInterpretation")
    raise ReadError(f"{tag} is {kind}, which this reader cannot show with {channels} channels")


def _grey(stored: NDArray[Any], header: Dataset, window: Window, *, inverted: bool) -> DisplayFrame:
    is_padding = _padding(header)
    try:
        return _reckoned(
            from_distinct_values(stored, is_padding), header, window, inverted=inverted
        )
    except ReadError:  # perhaps a lookup table has no entry for a value that no pixel holds
        return _reckoned(from_pixels(stored, is_padding), header, window, inverted=inverted)


def _reckoned(
    frame: StoredFrame, header: Dataset, window: Window, *, inverted: bool
) -> DisplayFrame:
    trace: list[str] = []
    physical = apply_modality(frame.values, header, trace)
    seen, span = apply_voi(physical, header, window, frame, trace)
    black, white = np.array(span).astype(seen.dtype)
    if inverted:
        trace.append("MONOCHROME1 inverted")
        seen = white - seen + black
    if filled := frame.padding_count():
        trace.append(f"{filled} pixels of {tag_name('PixelPaddingValue')} shown as black")
        seen = np.where(frame.padding, black, seen)
    if text(header, "PixelPresentation") in ("COLOR", "MIXED"):
        trace.append("supplemental palette left out: shown as grey")
    if seen.dtype == np.float64:  # rounded here as every Sample.unit() would
        seen = seen.astype(np.float32)
    return DisplayFrame(frame.to_image(seen)[:, :, None], span, trace)


def _padding(header: Dataset) -> PaddingTest:
    """Return what tells filling in place of a measurement (PS3.3 C.7.5.1.1.2)."""
    first, limit = (_stored(header, f"PixelPadding{part}") for part in ("Value", "RangeLimit"))
    if first is None:
        return lambda stored: np.zeros(stored.shape, dtype=bool)
    low, high = sorted((first, first if limit is None else limit))
    return lambda stored: (stored >= low) & (stored <= high)


def _stored(header: Dataset, keyword: str) -> int | None:
    """Return a stored value that a tag holds, perhaps unsigned (US) though the pixels are not."""
    found = integer(header, keyword)
    if found is not None and integer(header, "PixelRepresentation") == 1:
        return to_signed(found)
    return found
