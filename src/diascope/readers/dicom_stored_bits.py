"""Extract grey values from their words by Bits Stored and High Bit (PS3.5 8.1.1)."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.uid import JPEGLSLossless, RLELossless

from diascope.errors import ReadError
from diascope.readers.dicom_tags import integer, tag_name, value


class BitLayout(NamedTuple):
    """Position of a grey value in its word.

    Attributes:
        bits: number of bits of a value.
        low_bit: position of its lowest bit, counted from 0.
        reliable: False if the pixels are compressed by a codec that states its own precision.
    """

    bits: int
    low_bit: int
    reliable: bool

    def extract(self, frame: NDArray[Any]) -> tuple[NDArray[Any], str]:
        """Return the values of a frame, and a line for the trace if other bits were left out.

        A frame whose values fit into the lowest bits is returned as it is, whatever the header
        says. The exception are words whose bits below ``low_bit`` are all 0: there the header is
        followed if it is reliable.
        """
        signed = frame.dtype.kind == "i"
        half = 2 ** (self.bits - 1)
        lowest, highest = (-half, half - 1) if signed else (0, 2 * half - 1)
        bits_below = bool(self.low_bit) and (frame & (2**self.low_bit - 1)).any()
        may_be_unshifted = bits_below or not (self.low_bit and self.reliable)
        if may_be_unshifted and lowest <= frame.min() and frame.max() <= highest:
            return frame, ""
        spare = frame.dtype.itemsize * 8 - self.bits
        values = (frame << (spare - self.low_bit)) >> spare
        if not bits_below and spare == self.low_bit:  # no other bits, or all 0
            return values, ""
        return values, self._note(frame, values << self.low_bit)

    def _note(self, frame: NDArray[Any], kept: NDArray[Any]) -> str:
        """Return a line for the trace if words have bits beside those kept.

        Higher bits of signed values are no content if they are all alike.
        """
        rest = frame ^ kept
        if frame.dtype.kind == "i":
            beyond = 2 ** (frame.dtype.itemsize * 8) - 2 ** (self.bits + self.low_bit)
            rest = np.where(rest.view(f"u{frame.dtype.itemsize}") == beyond, 0, rest)
        if not (count := int(np.count_nonzero(rest))):
            return ""
        return f"{count} pixels have bits beside those of {tag_name('BitsStored')}: left out"


def bit_layout(header: FileDataset) -> BitLayout | None:
    """Return the layout of grey values in words of 8 or 16 bits; None leaves it to pydicom.

    pydicom ignores High Bit: it takes the lowest bits, and copies the frame twice. If High Bit is
    absent or 0, it is derived from Bits Stored.

    Raises:
        ReadError: if High Bit is impossible; names the tag.
    """
    allocated, bits = value(header, "BitsAllocated"), integer(header, "BitsStored")
    if value(header, "SamplesPerPixel") != 1 or allocated not in (8, 16) or bits is None:
        return None
    high = integer(header, "HighBit") or bits - 1
    below = high - bits + 1
    syntax = header.file_meta.TransferSyntaxUID
    fits = 0 <= below <= allocated - bits
    if not syntax.is_compressed or syntax == RLELossless:  # whole words are stored
        if not fits:
            room = f"{tag_name('BitsStored')} is {bits}, of {allocated}"
            raise ReadError(f"{tag_name('HighBit')} is {high}, which is impossible: {room}")
        return BitLayout(bits, below, reliable=True)
    whole_words = below or syntax == JPEGLSLossless  # which may state the precision of the word
    return BitLayout(bits, below, reliable=False) if whole_words and fits else None
