"""Where in its word a grey value lies: Bits Stored, the highest at High Bit (PS3.5 8.1.1)."""

from typing import Any, NamedTuple

from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.uid import JPEGLSLossless, RLELossless

from diascope.errors import ReadError
from diascope.readers.dicom_tags import integer, tag_name, value


class BitLayout(NamedTuple):
    """Where values lie.

    Attributes:
        bits: how many bits are theirs.
        low_bit: how many bits stand beneath them.
        reliable: False of pixels whose codec has a precision of its own.
    """

    bits: int
    low_bit: int
    reliable: bool

    def extract(self, frame: NDArray[Any]) -> NDArray[Any]:
        """Return the values of a frame, without what stands in other bits, if anything does.

        Values that fit into the lowest bits are there, whatever the header says, unless they may be
        words whose bits beneath are not used.
        """
        signed = frame.dtype.kind == "i"
        half = 2 ** (self.bits - 1)
        least, greatest = (-half, half - 1) if signed else (0, 2 * half - 1)
        lowest = not (self.low_bit and self.reliable) or (frame & (2**self.low_bit - 1)).any()
        if lowest and least <= frame.min() and frame.max() <= greatest:
            return frame
        spare = frame.dtype.itemsize * 8 - self.bits
        return (frame << (spare - self.low_bit)) >> spare


def bit_layout(header: FileDataset) -> BitLayout | None:
    """Return where grey values of 8 or 16 bits lie; None where that is left to pydicom.

    pydicom takes the lowest bits, with two copies of the frame, and ignores High Bit. Absent or 0,
    it is what follows from Bits Stored.

    Raises:
        ReadError: naming the tag, if values cannot lie where it says.
    """
    allocated, bits = value(header, "BitsAllocated"), integer(header, "BitsStored")
    if value(header, "SamplesPerPixel") != 1 or allocated not in (8, 16) or bits is None:
        return None
    high = integer(header, "HighBit") or bits - 1
    below = high - bits + 1
    syntax = header.file_meta.TransferSyntaxUID
    fits = 0 <= below <= allocated - bits
    if not syntax.is_compressed or (syntax == RLELossless and below):  # words, as they are
        if not fits:
            room = f"{tag_name('BitsStored')} is {bits}, of {allocated}"
            raise ReadError(f"{tag_name('HighBit')} is {high}, which cannot be: {room}")
        return BitLayout(bits, below, reliable=True)
    words = below or syntax == JPEGLSLossless  # its precision may be that of the whole word
    return BitLayout(bits, below, reliable=False) if words and fits else None
