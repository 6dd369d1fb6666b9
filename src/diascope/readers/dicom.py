"""Read DICOM images with pydicom."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from diascope.errors import ReadError
from diascope.extras import install_command
from diascope.readers.dicom_options import Frames, Window
from diascope.sample import Item, Sample

_SUFFIXES = {".dcm", ".dicom", ".ima"}
_FIRST_VRS = (b"UL", b"OB", b"CS", b"UI", b"SH", b"SQ", b"DA", b"LO")


@dataclass(frozen=True)
class DicomReader:
    """DICOM images, displayed as the standard specifies; each DICOM frame is a frame of the item.

    Stored values pass through the modality LUT or rescale, then through the VOI LUT or window.
    MONOCHROME1 is inverted, palette and YBR colours are converted to RGB, padding becomes black,
    and overlays are not drawn. Pixels are ``(H, W, 3)`` unsigned RGB or ``(H, W, 1)`` grey:
    float32 after a rescale or a window, otherwise as stored. Each of these operations adds a line
    to the trace. Objects without pixels (directories, reports, waveforms, documents) are skipped.

    Args:
        window: which values are black and white. ``first``: the file's VOI LUT, or else its first
            window; without either, pictures of up to 8 bits use the full range that their bits
            allow, and deeper ones the minimum and maximum of the frame without its padding.
            ``lut``: the VOI LUT. A number: that one of several windows, counted from 1. ``none``:
            the full range. ``min-max``: the minimum and maximum of the frame.
        frames: ``all``, ``middle``, or the number of one frame, counted from 0. Other frames are
            not decoded.
    """

    window: Window = "first"
    frames: Frames = "all"
    api: ClassVar = (1, 0)

    def __post_init__(self) -> None:
        if isinstance(self.window, int) and self.window < 1:
            raise ValueError(f"window counts from 1, got {self.window}")
        if isinstance(self.frames, int) and self.frames < 0:
            raise ValueError(f"frames counts from 0, got {self.frames}")

    def sniff(self, path: str, head: bytes) -> int:
        if head[128:132] == b"DICM":
            return 90
        if _starts_without_preamble(head):
            return 60
        return 10 if PurePosixPath(path).suffix.lower() in _SUFFIXES else 0

    def read(self, item: Item) -> Iterator[Sample]:
        try:
            from diascope.readers.dicom_samples import read_samples
        except ImportError as error:
            raise ReadError(f"DICOM files need pydicom: {install_command('dicom')}") from error

        with item.open() as file:
            yield from read_samples(file, item, self.window, self.frames)


def _starts_without_preamble(head: bytes) -> bool:
    """Return whether a file starts with an element of group 2 or 8 instead of a preamble."""
    if len(head) < 8:
        return False
    for order in "<>":
        group, element = struct.unpack(f"{order}HH", head[:4])
        if group in (2, 8) and element <= 0x0070:
            (length,) = struct.unpack("<I", head[4:8])
            implicit = order == "<" and length <= 128 and length % 2 == 0
            if head[4:6] in _FIRST_VRS or implicit:
                return True
    return False
