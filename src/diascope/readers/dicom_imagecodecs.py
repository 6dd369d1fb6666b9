"""A decoder plugin for pydicom: imagecodecs, which works in several threads at once.

The other decoders hold Python's lock while they work. Only kinds of pictures are taken whose pixels
equal those of the other decoders to the bit; of others a NotImplementedError makes way for them.
"""

import struct
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    JPEG2000,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from diascope.readers.dicom_codestream import check_end

if TYPE_CHECKING:
    from pydicom.pixels.decoders.base import DecodeRunner

NAME = "imagecodecs"
_SYNTAXES = (
    JPEG2000,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
DECODER_DEPENDENCIES = dict.fromkeys(_SYNTAXES, ("imagecodecs",))
_CODESTREAM = b"\xff\x4f\xff\x51"  # starts a JPEG 2000 picture that says nothing of its colours


def register() -> None:
    """Add the plugin to pydicom's decoders; to be called once, as pydicom takes it only once."""
    for syntax in _SYNTAXES:
        get_decoder(syntax).add_plugin(NAME, (__name__, "decode_frame"))


def is_available(syntax: str) -> bool:
    """Say whether the plugin can decode a transfer syntax; asked by pydicom."""
    return syntax in _SYNTAXES and find_spec("imagecodecs") is not None


def decode_frame(source: bytes, runner: "DecodeRunner") -> bytes:
    """Return the pixels of a frame, and tell the runner of their layout; called by pydicom.

    Raises:
        NotImplementedError: if this kind of picture is left to the other decoders.
        ValueError: if there are more or fewer pixels than the header says, or the picture is cut
            short.
    """
    if runner.transfer_syntax == RLELossless:
        return _run_lengths(source, runner)
    if runner.transfer_syntax in (JPEG2000, JPEG2000Lossless):
        pixels = _wavelets(source, runner)
    elif runner.transfer_syntax in (JPEGLSLossless, JPEGLSNearLossless):
        pixels = _codec("jpegls_decode")(source)
    else:
        pixels = _lossless(source, runner)
    size, samples = (runner.rows, runner.columns), runner.samples_per_pixel
    if samples > 1 and pixels.shape in ((*size, samples), (samples, *size)):
        runner.set_option("planar_configuration", int(pixels.shape != (*size, samples)))
    elif samples > 1 or pixels.shape != size:
        raise ValueError(f"the header says {size}, {samples} a pixel; decoded: {pixels.shape}")
    runner.set_option("bits_allocated", pixels.dtype.itemsize * 8)
    return pixels.tobytes()


def _codec(name: str) -> Any:
    import imagecodecs

    return getattr(imagecodecs, name)


def _run_lengths(source: bytes, runner: "DecodeRunner") -> bytes:
    count, *starts = struct.unpack_from("<16L", source)
    ends = [*starts[:count], len(source)]
    if ends != sorted(ends):  # the decoder would read beyond them, and take the process with it
        raise ValueError("its run lengths do not lie where it says")
    pixels: bytes = _codec("dicomrle_decode")(source, f"<u{runner.bits_allocated // 8}")
    runner.set_option("planar_configuration", 1)
    return pixels


def _wavelets(source: bytes, runner: "DecodeRunner") -> NDArray[Any]:
    if runner.samples_per_pixel > 1 and not source.startswith(_CODESTREAM):
        raise NotImplementedError("colours that the JPEG 2000 file states are not looked at")
    pixels: NDArray[Any] = _codec("jpeg2k_decode")(source)
    if runner.photometric_interpretation in ("YBR_ICT", "YBR_RCT"):
        runner.set_option("photometric_interpretation", "RGB")  # as the decoder made it
    return pixels


def _lossless(source: bytes, runner: "DecodeRunner") -> NDArray[Any]:
    if runner.samples_per_pixel > 1:
        raise NotImplementedError("colours of lossless JPEG are not looked at")
    check_end(source)
    pixels: NDArray[Any] = _codec("jpeg8_decode")(source)
    return pixels.astype(f"u{runner.bits_allocated // 8}", copy=False)
