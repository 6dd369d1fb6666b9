"""A pydicom decoder plugin for imagecodecs, which can decode in several threads at once.

The other decoders hold Python's global interpreter lock while they decode. The plugin decodes only
kinds of pictures for which its pixels are bit-identical to those of the other decoders. For all
others it raises NotImplementedError, and pydicom tries the next decoder.
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
_CODESTREAM = b"\xff\x4f\xff\x51"  # start of a bare JPEG 2000 codestream, without a colour space


def register() -> None:
    """Add the plugin to pydicom's decoders. Call it once: pydicom refuses a second registration."""
    for syntax in _SYNTAXES:
        get_decoder(syntax).add_plugin(NAME, (__name__, "decode_frame"))


def is_available(syntax: str) -> bool:
    """Return whether the plugin can decode a transfer syntax; called by pydicom."""
    return syntax in _SYNTAXES and find_spec("imagecodecs") is not None


def decode_frame(source: bytes, runner: "DecodeRunner") -> bytes:
    """Return the pixels of a frame and set their layout on the runner; called by pydicom.

    Raises:
        NotImplementedError: if this kind of picture is left to the other decoders.
        ValueError: if the number of pixels differs from the header's, or the frame is truncated.
    """
    if runner.transfer_syntax == RLELossless:
        return _decode_rle(source, runner)
    if runner.transfer_syntax in (JPEG2000, JPEG2000Lossless):
        pixels = _decode_jpeg_2000(source, runner)
    elif runner.transfer_syntax in (JPEGLSLossless, JPEGLSNearLossless):
        pixels = _codec("jpegls_decode")(source)
    else:
        pixels = _decode_lossless_jpeg(source, runner)
    size, samples = (runner.rows, runner.columns), runner.samples_per_pixel
    if samples > 1 and pixels.shape in ((*size, samples), (samples, *size)):
        runner.set_option("planar_configuration", int(pixels.shape != (*size, samples)))
    elif samples > 1 or pixels.shape != size:
        raise ValueError(
            f"the header says {size}, {samples} samples per pixel; decoded: {pixels.shape}"
        )
    runner.set_option("bits_allocated", pixels.dtype.itemsize * 8)
    return pixels.tobytes()


def _codec(name: str) -> Any:
    import imagecodecs

    return getattr(imagecodecs, name)


def _decode_rle(source: bytes, runner: "DecodeRunner") -> bytes:
    count, *starts = struct.unpack_from("<16L", source)
    offsets = [*starts[:count], len(source)]
    if offsets != sorted(offsets):  # the decoder would read out of bounds and crash the process
        raise ValueError("the offsets of its RLE segments are wrong")
    pixels: bytes = _codec("dicomrle_decode")(source, f"<u{runner.bits_allocated // 8}")
    runner.set_option("planar_configuration", 1)
    return pixels


def _decode_jpeg_2000(source: bytes, runner: "DecodeRunner") -> NDArray[Any]:
    if runner.samples_per_pixel > 1 and not source.startswith(_CODESTREAM):
        raise NotImplementedError("the colour space of a JPEG 2000 file is not read")
    pixels: NDArray[Any] = _codec("jpeg2k_decode")(source)
    if runner.photometric_interpretation in ("YBR_ICT", "YBR_RCT"):
        runner.set_option("photometric_interpretation", "RGB")  # the decoder has converted them
    return pixels


def _decode_lossless_jpeg(source: bytes, runner: "DecodeRunner") -> NDArray[Any]:
    if runner.samples_per_pixel > 1:
        raise NotImplementedError("lossless JPEG in colour is left to other decoders")
    check_end(source)
    pixels: NDArray[Any] = _codec("jpeg8_decode")(source)
    return pixels.astype(f"u{runner.bits_allocated // 8}", copy=False)
