"""Convert stored values to measured ones by the modality LUT or rescale (PS3.3 C.11.1)."""

from collections.abc import Callable
from functools import partial
from typing import Any

from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut

from diascope.errors import ReadError
from diascope.readers.dicom_lut import apply_lut, read_descriptor
from diascope.readers.dicom_tags import integer, number, tag_name, values


def apply_modality(stored: NDArray[Any], header: Dataset, trace: list[str]) -> NDArray[Any]:
    """Return the measured values: float64 after a rescale, otherwise integers.

    Raises:
        ReadError: if the table or the rescale cannot be applied.
    """
    if tables := values(header, "ModalityLUTSequence"):
        trace.append("modality LUT applied")
        below_zero = integer(header, "PixelRepresentation") == 1
        table = partial(apply_lut, table=tables[0], below_zero=below_zero)
        return apply_checked(table, stored, header, "ModalityLUTSequence")
    slope, intercept = (number(header, f"Rescale{part}") for part in ("Slope", "Intercept"))
    if slope is None or intercept is None:
        for part, other in (("Slope", intercept), ("Intercept", slope)):
            if other is not None:
                trace.append(f"{tag_name(f'Rescale{part}')} is missing: values are not rescaled")
        return stored
    if slope == 0:
        raise ReadError(f"{tag_name('RescaleSlope')} is 0, which makes all pixels equal")
    if (slope, intercept) != (1, 0):
        trace.append(f"rescaled: {slope:g} x stored value {intercept:+g}")
    return apply_checked(apply_modality_lut, stored, header, "RescaleSlope")


def possible_range(header: Dataset) -> tuple[float, float] | None:
    """Return the range of possible measured values, or None for stored floats.

    These are the measured values of the lowest and the highest stored value; with a negative slope
    the first number is the greater one. With a modality LUT, they are the range of its entries.
    """
    if tables := values(header, "ModalityLUTSequence"):
        return 0.0, 2.0 ** read_descriptor(tables[0])[2] - 1
    bits, signed = integer(header, "BitsStored"), integer(header, "PixelRepresentation")
    if bits is None or signed is None:
        return None
    low = -(2.0 ** (bits - 1)) if signed else 0.0
    high = low + 2.0**bits - 1
    slope, intercept = (number(header, f"Rescale{part}") for part in ("Slope", "Intercept"))
    if slope is None or intercept is None:
        return low, high
    return low * slope + intercept, high * slope + intercept


def apply_checked(
    function: Callable[[NDArray[Any], Dataset], NDArray[Any]],
    pixels: NDArray[Any],
    header: Dataset,
    keyword: str,
) -> NDArray[Any]:
    """Return ``function(pixels, header)``, and report any failure as a fault of a tag.

    Raises:
        ReadError: if the function fails; names the tag ``keyword``.
    """
    try:
        return function(pixels, header)
    except Exception as error:  # a broken table can raise any kind of error
        raise ReadError(f"{tag_name(keyword)} cannot be applied: {error}") from error
