"""A decoder plugin for pydicom: libjpeg, for pictures that end where their bytes do.

Others it would fill up without a word, which pydicom's own plugin of it lets happen.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING

from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import JPEGLSTransferSyntaxes, JPEGTransferSyntaxes

if TYPE_CHECKING:
    from pydicom.pixels.decoders.base import DecodeRunner

NAME = "libjpeg"
REPLACED = (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes)
"""Transfer syntaxes for which pydicom's plugin pylibjpeg is libjpeg; others know JPEG-LS."""
DECODER_DEPENDENCIES = dict.fromkeys(JPEGTransferSyntaxes, ("pylibjpeg-libjpeg",))
_END = b"\xff\xd9"  # ends a JPEG picture


def register() -> None:
    """Add the plugin to pydicom's decoders; to be called once, as pydicom takes it only once."""
    for syntax in JPEGTransferSyntaxes:
        get_decoder(syntax).add_plugin(NAME, (__name__, "decode_frame"))


def is_available(syntax: str) -> bool:
    """Say whether the plugin can decode a transfer syntax; asked by pydicom."""
    return syntax in JPEGTransferSyntaxes and find_spec("libjpeg") is not None


def decode_frame(source: bytes, runner: "DecodeRunner") -> bytes:
    """Return the pixels of a frame; called by pydicom.

    Raises:
        ValueError: if the picture is cut short.
    """
    check_end(source)
    from libjpeg.utils import decode_pixel_data

    return bytes(decode_pixel_data(source, version=2))


def check_end(source: bytes) -> None:
    """Check that a JPEG picture ends, which decoders that fill up what is missing do not.

    Raises:
        ValueError: if it does not.
    """
    if not source.rstrip(b"\0\xff").endswith(_END):  # some pad with what fills markers
        raise ValueError("the picture does not end, or not where its bytes do")
