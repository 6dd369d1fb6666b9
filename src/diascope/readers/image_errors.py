"""Recognise pictures that cannot be read correctly, and explain why and what to do."""

import re
import struct
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from diascope.errors import ReadError, unreachable
from diascope.sample import Item

SUFFIXES = {".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff", ".webp", ".bmp", ".gif"}
_MAGIC = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"II*\x00",
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
    b"BM",
    b"GIF8",
)
_UNREADABLE = "damaged, or of a kind that is not supported; save it as 8-bit RGB or grey"
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif")
_SEQUENCES = (b"hevc", b"hevx", b"hevm", b"hevs", b"avis")  # brands (ISO/IEC 23008-12, AV1 Image)
_HEAD_BYTES = 4096
_BMP_HEADERS = {size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124)}  # bytes
_BITS, _PLANES, _SAMPLE_FORMAT = 258, 284, 339
_SEPARATE, _SIGNED = 2, 2


def is_known(head: bytes) -> bool:
    """Return whether a file's first bytes, at least 18, are those of a picture that Pillow decodes.

    Text may also begin with BM as a BMP does, such as a table whose first column is BMI.
    """
    if head.startswith(b"BM"):
        return head[14:18] in _BMP_HEADERS
    return head.startswith(_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def is_heif(head: bytes) -> bool:
    """Return whether a file's first bytes, up to 4,096, are those of a HEIC or AVIF picture.

    A file with a sequence brand is a film, unless it holds a picture and no track.
    """
    kinds = _boxes(head)
    if kinds[:1] != [b"ftyp"]:
        return False
    still = b"meta" in kinds[:-1] and b"moov" not in kinds  # a long `meta` may hide what follows
    return head[8:12] in _HEIF or (head[8:12] in _SEQUENCES and still)


def _boxes(head: bytes) -> list[bytes]:
    """Return the types of the boxes (ISO/IEC 14496-12) that begin in a file's first bytes."""
    kinds, offset = [], 0
    while offset + 8 <= len(head):
        size, kind = struct.unpack_from(">I4s", head, offset)
        kinds.append(kind)
        if size < 8:  # the box extends to the end of the file, has a 64-bit size, or is damaged
            break
        offset += size
    return kinds


def unknown_format_error(item: Item, file: BinaryIO) -> ReadError:
    """Return the error for a file whose format Pillow does not recognise."""
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if is_heif(head):
        return ReadError(
            "the picture is HEIC or AVIF, which this reader does not decode. "
            "Export it as JPEG; to take JPEGs with an iPhone: Settings, Camera, Formats, "
            "Most Compatible"
        )
    suffix = PurePosixPath(item.uri).suffix
    named = f"the file is named {suffix}, but " if suffix.lower() in SUFFIXES else ""
    if head and all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head[:64]):
        return ReadError(f"{named}its content is text, not a picture")
    if head.startswith(_MAGIC):
        return ReadError(f"{named}it cannot be decoded: it is {_UNREADABLE}")
    return ReadError(f"{named}its content is not a picture that this reader knows")


def decode_error(error: Exception) -> ReadError:
    """Return the error for a picture of a known format that Pillow cannot decode."""
    if fault := unreachable(error):
        return fault
    reason = str(error)
    if re.search("truncated|not enough", reason, re.IGNORECASE) or isinstance(error, EOFError):
        return ReadError(f"the file is truncated, part of the picture is missing ({reason})")
    return ReadError(f"the picture cannot be decoded ({reason}): it is {_UNREADABLE}")


def refuse_unknown_range(image: Any) -> None:
    """Refuse pixel types for which the file does not state black and white.

    Raises:
        ReadError: for floats, signed integers and 32-bit integers.
    """
    signed = _SIGNED in _tags(image).get(_SAMPLE_FORMAT, ())
    if image.mode not in ("I", "F") and not signed:
        return
    numbers = "float32 values" if image.mode == "F" else "integers that are signed or of 32 bits"
    raise ReadError(
        f"the picture holds {numbers}; which of them mean black and white is not stated. "
        "Save it as 8 or 16 bit, unsigned"
    )


def refuse_separate_planes(image: Any) -> None:
    """Refuse TIFFs with separate planes of a kind that Pillow decodes incorrectly.

    Raises:
        ReadError: for uncompressed planes of 16 bits, and for planes of grey and alpha.
    """
    tags = _tags(image)
    if tags.get(_PLANES) != _SEPARATE:
        return
    deep = max(tags.get(_BITS, (1,))) > 8 and image.info["compression"] == "raw"
    if deep or image.mode in ("LA", "La"):
        raise ReadError(
            "the TIFF holds its channels in separate planes, which cannot be read correctly. "
            "Save it with interleaved channels (PlanarConfiguration 1), or as 8-bit RGB or grey"
        )


def _tags(image: Any) -> Any:
    """Return the tags of a TIFF page; empty for other formats."""
    return getattr(image, "tag_v2", {})
