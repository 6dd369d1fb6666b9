"""A decoder plugin for pydicom: libjpeg, for 12-bit JPEG, which no other decoder here knows.

It fills up what is missing or damaged without a word. So, other than by pydicom's own plugin of it,
it gets no picture of a kind that others decode, and none without an end.
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
"""Transfer syntaxes for which pydicom's plugin pylibjpeg is libjpeg."""
DECODER_DEPENDENCIES = {JPEGExtended12Bit: ("pylibjpeg-libjpeg",)}


def register() -> None:
    """Add the plugin to pydicom's decoders; to be called once, as pydicom takes it only once."""
    get_decoder(JPEGExtended12Bit).add_plugin(NAME, (__name__, "decode_frame"))


def is_available(syntax: str) -> bool:
    """Say whether the plugin can decode a transfer syntax; asked by pydicom."""
    return syntax == JPEGExtended12Bit and find_spec("libjpeg") is not None


def decode_frame(source: bytes, runner: "DecodeRunner") -> bytes:
    """Return the pixels of a frame; called by pydicom.

    Raises:
        NotImplementedError: if the picture is left to the other decoders.
        ValueError: if it is cut short.
    """
    if runner.bits_stored <= 8:
        raise NotImplementedError("8 bits are left to decoders that fill up nothing")
    check_end(source)
    from libjpeg.utils import decode_pixel_data

    return bytes(decode_pixel_data(source, version=2))
