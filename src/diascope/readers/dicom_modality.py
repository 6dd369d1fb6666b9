"""From stored values to what the device measured: modality LUT or rescale (PS3.3 C.11.1)."""

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut

from diascope.errors import ReadError
from diascope.readers.dicom_tags import named, value, values, whole


def measured(stored: NDArray[Any], header: Dataset, trace: list[str]) -> NDArray[Any]:
    """Return what stored values stand for: float64 after a rescale, else integers.

    Raises:
        ReadError: if the table or the rescale cannot be applied.
    """
    if values(header, "ModalityLUTSequence"):
        trace.append("modality LUT applied")
        return applied(apply_modality_lut, stored, header, "ModalityLUTSequence")
    slope, intercept = (value(header, f"Rescale{part}") for part in ("Slope", "Intercept"))
    if slope is None or intercept is None:
        for part, other in (("Slope", intercept), ("Intercept", slope)):
            if other is not None:
                trace.append(f"{named(f'Rescale{part}')} is missing: values are not rescaled")
        return stored
    if slope == 0:
        raise ReadError(f"{named('RescaleSlope')} is 0, which makes all pixels equal")
    if (slope, intercept) != (1, 0):
        trace.append(f"rescaled: {slope:g} x stored value {intercept:+g}")
    return applied(apply_modality_lut, stored, header, "RescaleSlope")


def possible(header: Dataset) -> tuple[float, float] | None:
    """Return what the lowest and the highest stored value become; None for stored floats.

    A negative slope makes the first number the greater one.
    """
    if tables := values(header, "ModalityLUTSequence"):
        return 0.0, 2.0 ** depth(tables[0]) - 1
    bits, signed = whole(header, "BitsStored"), whole(header, "PixelRepresentation")
    if bits is None or signed is None:
        return None
    low = -(2.0 ** (bits - 1)) if signed else 0.0
    high = low + 2.0**bits - 1
    slope, intercept = (value(header, f"Rescale{part}") for part in ("Slope", "Intercept"))
    if slope is None or intercept is None:
        return low, high
    return low * float(slope) + float(intercept), high * float(slope) + float(intercept)


def depth(table: Dataset) -> int:
    """Return the bits of an entry of a lookup table."""
    descriptor = values(table, "LUTDescriptor")
    if len(descriptor) != 3:
        raise ReadError(f"{named('LUTDescriptor')} does not hold three numbers")
    return int(descriptor[2])


def applied(
    function: Callable[[NDArray[Any], Dataset], NDArray[Any]],
    pixels: NDArray[Any],
    header: Dataset,
    keyword: str,
) -> NDArray[Any]:
    """Call a function of pydicom on pixels.

    Raises:
        ReadError: naming the tag ``keyword``, if the function fails: it trusts its tables.
    """
    try:
        return function(pixels, header)
    except Exception as error:  # indices, lengths, types: whatever a broken table leads to
        raise ReadError(f"{named(keyword)} cannot be applied: {error}") from error
