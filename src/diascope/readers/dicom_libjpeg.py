"""A pydicom decoder plugin for libjpeg, the only decoder here for 12-bit JPEG.

libjpeg silently fills in missing or damaged parts. Unlike pydicom's own plugin for it, this one
therefore decodes no kind of picture that other decoders can, and none without its end marker.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import JPEGExtended12Bit, JPEGLSTransferSyntaxes, JPEGTransferSyntaxes

from diascope.readers.dicom_codestream import check_end

if TYPE_CHECKING:
    from pydicom.pixels.decoders.base import DecodeRunner

NAME = "libjpeg"
FILLED_UP = (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes)
"""Transfer syntaxes for which pydicom's plugin ``pylibjpeg`` uses libjpeg."""
DECODER_DEPENDENCIES = {JPEGExtended12Bit: ("pylibjpeg-libjpeg",)}


def register() -> None:
    """Add the plugin to pydicom's decoders. Call it once: pydicom refuses a second registration."""
    get_decoder(JPEGExtended12Bit).add_plugin(NAME, (__name__, "decode_frame"))


def is_available(syntax: str) -> bool:
    """Return whether the plugin can decode a transfer syntax; called by pydicom."""
    return syntax == JPEGExtended12Bit and find_spec("libjpeg") is not None


def decode_frame(source: bytes, runner: "DecodeRunner") -> bytes:
    """Return the pixels of a frame; called by pydicom.

    Raises:
        NotImplementedError: if the picture is left to the other decoders.
        ValueError: if the frame is truncated.
    """
    if runner.bits_stored <= 8:
        raise NotImplementedError("8-bit JPEG is left to stricter decoders")
    check_end(source)
    from libjpeg.utils import decode_pixel_data

    return bytes(decode_pixel_data(source, version=2))
