"""Choose pydicom's decoder plugins for a transfer syntax, and explain why decoding failed."""

import re
from importlib.util import find_spec

from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, JPEG2000TransferSyntaxes, JPEGExtended12Bit

from diascope.display_text import quote
from diascope.errors import ReadError
from diascope.extras import install_command
from diascope.readers import dicom_imagecodecs, dicom_libjpeg

_PYLIBJPEG = "pylibjpeg"  # pydicom's name of the plugin
_HEADER_FAULT = re.compile(r"\(0028,\w{4}\)")  # pydicom names the element that is wrong

# at import, as pydicom's plugin registry is not thread-safe
dicom_imagecodecs.register()
dicom_libjpeg.register()


def decoder_plugins(syntax: UID) -> list[str]:
    """Return the decoder plugins to try in turn; for an empty name pydicom chooses.

    Raises:
        ReadError: if there is no decoder for the transfer syntax.
    """
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        name = quote(syntax) if syntax.name == syntax else syntax.name  # a UID, or any text
        raise ReadError(f"no decoder knows its transfer syntax, {name}") from None
    names = set(decoder.available_plugins)
    if is_lenient := _PYLIBJPEG in names and syntax in dicom_libjpeg.FILLED_UP:
        names.remove(_PYLIBJPEG)
    if decoder.is_encapsulated and not names:
        raise ReadError(
            f"its pixels are compressed as {syntax.name}, and no decoder for that is installed",
            hint=f"Install one: {_command_for(syntax)}.",
        )
    first = [dicom_imagecodecs.NAME] if dicom_imagecodecs.NAME in names else []
    if is_lenient:
        others = names - {*first, dicom_libjpeg.NAME}
        return [*first, *sorted(others), *(names & {dicom_libjpeg.NAME})]
    # same pixels as GDCM, which prints errors of damaged streams to the terminal
    prefers = syntax in JPEG2000TransferSyntaxes and _PYLIBJPEG in names
    return [*first, _PYLIBJPEG if prefers else ""]


def describe_failure(syntax: UID, error: BaseException) -> str:
    """Return why pixels could not be decoded, and what to install if that may help."""
    if not syntax.is_compressed:
        is_header = _HEADER_FAULT.search(str(error))
        fault = "cannot be decoded" if is_header else "are truncated or damaged"
        return f"its pixels {fault}: {error}"
    reason = f"its pixels ({syntax.name}) cannot be decoded: {error}"
    if syntax == JPEGExtended12Bit and find_spec("libjpeg") is None:
        reason += f"; another decoder may succeed: {_command_for(syntax)}"
    return reason


def _command_for(syntax: UID) -> str:
    extras = ["dicom", "dicom-gpl"] if syntax == JPEGExtended12Bit else ["dicom"]
    return install_command(*extras)
