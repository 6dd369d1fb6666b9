"""Convert measured values to display grey by a VOI LUT or a window (PS3.3 C.11.2)."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_windowing

from diascope.errors import ReadError
from diascope.readers.dicom_lut import apply_lut, read_descriptor
from diascope.readers.dicom_modality import apply_checked, possible_range
from diascope.readers.dicom_options import Window
from diascope.readers.dicom_tags import integer, numbers, tag_name, text, values
from diascope.readers.dicom_values import StoredFrame

DisplayRange = tuple[float, float]
_SHALLOW = 8  # bits at most: made for a screen; deeper pictures are measurements


def apply_voi(
    pixels: NDArray[Any],
    header: Dataset,
    window: Window,
    frame: StoredFrame,
    trace: list[str],
) -> tuple[NDArray[Any], DisplayRange]:
    """Return display values and the values of black and white, the lower one first.

    Args:
        pixels: measured values, in any shape.
        window: see ``DicomReader``.
        frame: the stored values behind them; its padding does not influence black and white.

    Raises:
        ReadError: if the header lacks the requested window or LUT; names the tag.
    """
    tables = values(header, "VOILUTSequence")
    if window == "lut" or (window == "first" and tables):
        if not tables:
            raise ReadError(
                f"the recipe asks for a VOI LUT, but {tag_name('VOILUTSequence')} is missing"
            )
        trace.append("VOI LUT applied")
        below_zero = min(possible_range(header) or (0.0,)) < 0
        table = partial(apply_lut, table=tables[0], below_zero=below_zero)
        grey = apply_checked(table, pixels, header, "VOILUTSequence")
        return _clip(grey, (0.0, 2.0 ** read_descriptor(tables[0])[2] - 1), frame, trace)
    windows = {} if window in ("none", "min-max") else _windows(header)
    number = next(iter(windows), None) if window == "first" else window
    if isinstance(number, int):
        if number not in windows:
            stated = (
                f"{tag_name('WindowCenter')} and {tag_name('WindowWidth')} state {len(windows)}"
            )
            raise ReadError(f"the recipe asks for window {number}; {stated}")
        return _apply_window(pixels, header, number, *windows[number], trace)
    return _clip(pixels, _range_without_window(pixels, header, window, frame, trace), frame, trace)


def _windows(header: Dataset) -> dict[int, tuple[float, float]]:
    """Return center and width of each valid window by its number, counted from 1."""
    exact = text(header, "VOILUTFunction").upper() in ("LINEAR_EXACT", "SIGMOID")
    pairs = zip(numbers(header, "WindowCenter"), numbers(header, "WindowWidth"), strict=False)
    return {
        number: (center, width)
        for number, (center, width) in enumerate(pairs, 1)
        if (width > 0 if exact else width >= 1)
    }


def _apply_window(
    pixels: NDArray[Any],
    header: Dataset,
    number: int,
    center: float,
    width: float,
    trace: list[str],
) -> tuple[NDArray[Any], DisplayRange]:
    ends = possible_range(header)
    if ends is None:
        raise ReadError(f"a window needs {tag_name('BitsStored')}, which is missing")
    function = text(header, "VOILUTFunction").upper() or "LINEAR"
    curve = "" if function == "LINEAR" else f" ({function})"
    total = len(values(header, "WindowCenter"))
    which = f", number {number} of {total}" if total > 1 else ""
    trace.append(f"window applied: center {center:g}, width {width:g}{curve}{which}")
    grey = apply_checked(
        lambda array, dataset: apply_windowing(array, dataset, number - 1),
        pixels,
        _without_empty_function(header),
        "WindowWidth",
    )
    first, last = ends
    if first > last:  # with a negative slope, pydicom's output runs from white to black
        return first + last - grey, (last, first)
    return grey, (first, last)


def _without_empty_function(header: Dataset) -> Dataset:
    """Return the header without an empty VOI LUT Function, which pydicom does not accept."""
    if "VOILUTFunction" not in header or text(header, "VOILUTFunction"):
        return header
    copy = Dataset()
    copy.update(header)
    del copy.VOILUTFunction
    return copy


def _range_without_window(
    pixels: NDArray[Any], header: Dataset, window: Window, frame: StoredFrame, trace: list[str]
) -> DisplayRange:
    """Return black and white without a window: from the possible range, or from the values."""
    ends = possible_range(header)
    shallow = (integer(header, "BitsStored") or 0) <= _SHALLOW
    if ends and (window == "none" or (window == "first" and shallow)):
        black, white, source = min(ends), max(ends), "as its bits allow"
        is_noteworthy = not shallow  # 0 to 255 is what any other picture has
    else:
        black, white = _extremes(frame.select_occurring(pixels))
        is_noteworthy, source = True, "the least and the greatest value in it"
    if is_noteworthy:
        trace.append(f"no window: black is {black:g} and white is {white:g}, {source}")
    return black, white


def _extremes(pixels: NDArray[Any]) -> DisplayRange:
    if not np.isfinite(pixels).all():
        raise ReadError("some pixels are not finite numbers, so black and white are unknown")
    low, high = (float(pixels.min()), float(pixels.max())) if pixels.size else (0.0, 1.0)
    return low, high if high > low else low + 1


def _clip(
    pixels: NDArray[Any], limits: DisplayRange, frame: StoredFrame, trace: list[str]
) -> tuple[NDArray[Any], DisplayRange]:
    """Clip values that lie beyond black or white."""
    if pixels.dtype.kind in "iu" and limits[1] > np.iinfo(pixels.dtype).max:
        pixels = pixels.astype(np.float64)  # white of a uniform picture may exceed its type
    low, high = np.array(limits).astype(pixels.dtype)
    beyond = (pixels < low) | (pixels > high)
    if not beyond.any():
        return pixels, limits
    if count := frame.pixel_count(beyond):
        trace.append(f"{count} pixels beyond black or white clipped")
    return np.clip(pixels, low, high), limits
