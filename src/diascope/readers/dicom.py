"""DICOM: pictures as the devices and archives of hospitals keep them, by pydicom."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from diascope.errors import ReadError
from diascope.readers.dicom_options import Frames, Window
from diascope.sample import Item, Sample

_SUFFIXES = {".dcm", ".dicom", ".ima"}
_FIRST_VRS = (b"UL", b"OB", b"CS", b"UI", b"SH", b"SQ", b"DA", b"LO")


@dataclass(frozen=True)
class DicomReader:
    """Pictures in DICOM files, shown as the standard says; frames are frames.

    Stored values pass through modality LUT or rescale and VOI LUT or window; MONOCHROME1 is
    inverted, palette and YBR become RGB, padding becomes black, overlays are not drawn. Pixels
    come as ``(H, W, 3)`` unsigned RGB, or as ``(H, W, 1)`` grey: float32 after a rescale or a
    window, else as stored. Each of these is a line in the trace. Objects without pixels
    (directories, reports, waveforms, documents) are skipped.

    Args:
        window: ``first``, the VOI LUT that the file states, else its first window; if it states
            neither, black and white are all possible values of up to 8 bits, and of deeper
            pictures the least and the greatest in the frame, padding left out. ``lut``, the VOI
            LUT. A number, that one of several windows, from 1. ``none``, all possible values.
            ``min-max``, the least and the greatest value.
        frames: ``all``, the ``middle`` one, or the one of that number, from 0; only what is asked
            for is decoded.
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
        if _starts_bare(head):
            return 60
        return 10 if PurePosixPath(path).suffix.lower() in _SUFFIXES else 0

    def read(self, item: Item) -> Iterator[Sample]:
        try:
            from diascope.readers.dicom_samples import read_samples
        except ImportError as error:
            raise ReadError('DICOM files need pydicom: pip install "diascope[dicom]"') from error

        with item.open() as file:
            yield from read_samples(file, item, self.window, self.frames)


def _starts_bare(head: bytes) -> bool:
    """Say whether bytes are a first element of group 2 or 8, without the usual preamble."""
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
