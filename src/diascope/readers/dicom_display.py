"""Turn a decoded frame into a grey or RGB picture for display.

The order of operations follows PS3.3 C.7.6.3, C.11.1 and C.11.2 and PS3.4 N.2.
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
    """Return one frame for display, in which low values are dark and high values are bright.

    Args:
        stored: ``(H, W)`` or ``(H, W, 3)``, as decoded; the decoder has converted YBR to RGB.
        header: the header of this frame; see ``frame_header``.
        window: see ``DicomReader``.

    Raises:
        ReadError: if a required tag is missing or the header contradicts itself; names the tag.
    """
    kind = text(header, "PhotometricInterpretation")
    if kind in ("MONOCHROME1", "MONOCHROME2") and stored.ndim == 2:
        return _display_grey(stored, header, window, inverted=kind == "MONOCHROME1")
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


def _display_grey(
    stored: NDArray[Any], header: Dataset, window: Window, *, inverted: bool
) -> DisplayFrame:
    is_padding = _padding_test(header)
    try:
        return _to_grey(from_distinct_values(stored, is_padding), header, window, inverted=inverted)
    except ReadError:  # a lookup table may lack entries for values that no pixel has
        return _to_grey(from_pixels(stored, is_padding), header, window, inverted=inverted)


def _to_grey(
    frame: StoredFrame, header: Dataset, window: Window, *, inverted: bool
) -> DisplayFrame:
    trace: list[str] = []
    physical = apply_modality(frame.values, header, trace)
    grey, limits = apply_voi(physical, header, window, frame, trace)
    black, white = np.array(limits).astype(grey.dtype)
    if inverted:
        trace.append("MONOCHROME1 inverted")
        grey = white - grey + black
    if count := frame.padding_count():
        trace.append(f"{count} pixels of {tag_name('PixelPaddingValue')} shown as black")
        grey = np.where(frame.padding, black, grey)
    if text(header, "PixelPresentation") in ("COLOR", "MIXED"):
        trace.append("supplemental palette left out: shown as grey")
    if grey.dtype == np.float64:  # Sample.unit() would round to float32 anyway
        grey = grey.astype(np.float32)
    return DisplayFrame(frame.to_image(grey)[:, :, None], limits, trace)


def _padding_test(header: Dataset) -> PaddingTest:
    """Return a function that finds padding among stored values (PS3.3 C.7.5.1.1.2)."""
    first, limit = (
        _stored_value(header, f"PixelPadding{part}") for part in ("Value", "RangeLimit")
    )
    if first is None:
        return lambda stored: np.zeros(stored.shape, dtype=bool)
    low, high = sorted((first, first if limit is None else limit))
    return lambda stored: (stored >= low) & (stored <= high)


def _stored_value(header: Dataset, keyword: str) -> int | None:
    """Return a stored value given by a tag, which may be unsigned (US) though pixels are signed."""
    found = integer(header, keyword)
    if found is not None and integer(header, "PixelRepresentation") == 1:
        return to_signed(found)
    return found
