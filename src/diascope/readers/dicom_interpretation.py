"""Check what a DICOM header says of the meaning of pixels: colours, black and white."""

from pydicom.dataset import Dataset
from pydicom.pixels.common import PhotometricInterpretation

from diascope.display_text import quote
from diascope.errors import ReadError
from diascope.readers.dicom_tags import integer, tag_name, text

_TERMS = {str(term) for term in PhotometricInterpretation}
_CONVERTED = ("YBR_FULL", "YBR_FULL_422")  # by pydicom to RGB, if they have 8 bits
_SHAPES = {"IDENTITY": "MONOCHROME2", "INVERSE": "MONOCHROME1"}  # PS3.3 C.8.11.3


def complete_interpretation(header: Dataset) -> list[str]:
    """Write the photometric interpretation in capitals; return a trace line if it was not.

    Raises:
        ReadError: if DICOM does not define it, or if its colours cannot be converted to RGB; names
            the tag.
    """
    name, stated = tag_name("PhotometricInterpretation"), text(header, "PhotometricInterpretation")
    kind = stated.upper()
    if kind not in _TERMS:
        raise ReadError(f"{name} is {quote(stated)}, which DICOM does not define")
    bits, syntax = integer(header, "BitsAllocated"), header.file_meta.TransferSyntaxUID
    is_native = syntax.is_transfer_syntax and not syntax.is_compressed
    if kind in _CONVERTED and bits != 8 and is_native:
        raise ReadError(f"{name} is {kind}, which is converted to RGB from 8 bits, not {bits}")
    if kind == stated:
        return []
    header.PhotometricInterpretation = kind
    return [f"{name} is not in capitals: taken for {kind}"]


def contradicts_shape(header: Dataset) -> bool:
    """Return whether Presentation LUT Shape contradicts the photometric interpretation."""
    shape, kind = text(header, "PresentationLUTShape"), text(header, "PhotometricInterpretation")
    return kind.startswith("MONOCHROME") and _SHAPES.get(shape.upper(), kind) != kind
