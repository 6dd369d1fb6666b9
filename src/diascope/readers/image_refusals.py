"""Pictures that cannot be read, or not as they were meant: reasons, and what to do."""

from pathlib import PurePosixPath
from typing import BinaryIO

from diascope.errors import ReadError
from diascope.sample import Item

SUFFIXES = {".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff", ".webp", ".bmp", ".gif"}
MAGIC = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"II*\x00",
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
    b"BM",
    b"GIF8",
)
UNREADABLE = "damaged, or of a kind that is not supported; save it as 8-bit RGB or grey"
_HEIF = (b"heic", b"heix", b"mif1", b"msf1", b"avif")  # brands (ISO/IEC 23008-12, AV1 Image)


def is_heif(head: bytes) -> bool:
    """Say whether a file's first bytes, at least 12, are those of HEIC or AVIF."""
    return head[4:8] == b"ftyp" and head[8:12] in _HEIF


def not_a_picture(item: Item, file: BinaryIO) -> ReadError:
    """Return why Pillow does not know what a file holds."""
    file.seek(0)
    head = file.read(64)
    if is_heif(head):
        return ReadError(
            "the picture is HEIC or AVIF, which this reader does not decode",
            hint="Export it as JPEG; to take JPEGs with an iPhone: Settings, Camera, Formats, "
            "Most Compatible.",
        )
    suffix = PurePosixPath(item.uri).suffix
    named = f"the file is named {suffix}, but " if suffix.lower() in SUFFIXES else ""
    if head and all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head):
        return ReadError(f"{named}its content is text, not a picture")
    if head.startswith(MAGIC):
        return ReadError(f"{named}it cannot be decoded: it is {UNREADABLE}")
    return ReadError(f"{named}its content is no picture that this reader knows")
