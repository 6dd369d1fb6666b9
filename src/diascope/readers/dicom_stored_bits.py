"""Where in its word a grey value lies: Bits Stored, the highest at High Bit (PS3.5 8.1.1)."""

from typing import Any, NamedTuple

from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.uid import JPEGLSLossless, RLELossless

from diascope.errors import ReadError
from diascope.readers.dicom_tags import named, value, whole


class Place(NamedTuple):
    """Where values lie.

    Attributes:
        bits: how many bits are theirs.
        below: how many bits stand beneath them.
        certain: False of pixels whose codec has a precision of its own.
    """

    bits: int
    below: int
    certain: bool

    def taken(self, frame: NDArray[Any]) -> NDArray[Any]:
        """Return the values of a frame, without what stands in other bits, if anything does.

        Values that fit into the lowest bits are there, whatever the header says, unless they may be
        words whose bits beneath are not used.
        """
        signed = frame.dtype.kind == "i"
        half = 2 ** (self.bits - 1)
        least, greatest = (-half, half - 1) if signed else (0, 2 * half - 1)
        lowest = not (self.below and self.certain) or (frame & (2**self.below - 1)).any()
        if lowest and least <= frame.min() and frame.max() <= greatest:
            return frame
        spare = frame.dtype.itemsize * 8 - self.bits
        return (frame << (spare - self.below)) >> spare


def place(header: FileDataset) -> Place | None:
    """Return where grey values of 8 or 16 bits lie; None where that is left to pydicom.

    pydicom takes the lowest bits, with two copies of the frame, and ignores High Bit. Absent or 0,
    it is what follows from Bits Stored.

    Raises:
        ReadError: naming the tag, if values cannot lie where it says.
    """
    allocated, bits = value(header, "BitsAllocated"), whole(header, "BitsStored")
    if value(header, "SamplesPerPixel") != 1 or allocated not in (8, 16) or bits is None:
        return None
    high = whole(header, "HighBit") or bits - 1
    below = high - bits + 1
    syntax = header.file_meta.TransferSyntaxUID
    fits = 0 <= below <= allocated - bits
    if not syntax.is_compressed or (syntax == RLELossless and below):  # words, as they are
        if not fits:
            room = f"{named('BitsStored')} is {bits}, of {allocated}"
            raise ReadError(f"{named('HighBit')} is {high}, which cannot be: {room}")
        return Place(bits, below, certain=True)
    words = below or syntax == JPEGLSLossless  # its precision may be that of the whole word
    return Place(bits, below, certain=False) if words and fits else None
