"""Which backend opens a file, told from its first bytes and, of a TIFF, from its tags."""

from pathlib import Path, PurePosixPath
from typing import Literal

Kind = Literal["dicom", "openslide", "vips", "picture"]

HEAD_BYTES = 4096
_DICOM_SLIDE = b"\x02\x00\x02\x00UI\x1e\x001.2.840.10008.5.1.4.1.1.77.1.6"
"""Media Storage SOP Class UID: VL Whole Slide Microscopy Image Storage."""
_BIG_ENDIAN = b"MM\x00*"
_TIFF = (b"II*\x00", _BIG_ENDIAN, b"II+\x00", b"MM\x00+")
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_SCANNERS = (b"Aperio", b"Hamamatsu", b"<scn", b"iScan", b"PHILIPS")
_OME, _DESCRIPTION = b"<OME", "image-description"
_NAMES = (".svs", ".ndpi", ".scn", ".bif", ".ome.tif", ".ome.tiff")  # that no picture has


def is_dicom_slide(head: bytes) -> bool:
    """Say whether a file's first 4,096 bytes are those of a DICOM whole slide."""
    return head[128:132] == b"DICM" and head.find(_DICOM_SLIDE, 132) >= 0


def base_name(uri: str) -> str:
    """Return the name of a file, or of what lies at an address, without signature and archive."""
    if "://" in uri:
        uri = uri.partition("::")[0].partition("?")[0]
    return PurePosixPath(uri).name


def is_mrxs(uri: str) -> bool:
    """Say whether a file is that of a MRXS slide, a JPEG that goes with a folder of its name."""
    return base_name(uri).lower().endswith(".mrxs")


def detect_kind(path: str, head: bytes) -> Kind | None:
    """Return what a file is: a slide of some kind, an ordinary picture, or neither.

    Args:
        path: of the file if it is on this machine; then a TIFF's tags are read too, as they may
            stand anywhere in it. Only MRXS is told by its suffix. At an address the name of a TIFF
            counts, too.
        head: its first 4,096 bytes.
    """
    if head[128:132] == b"DICM":  # may be a TIFF at the same time
        return "dicom" if is_dicom_slide(head) else None
    if head.startswith(_TIFF):
        return _tiff(path, head)
    if head.startswith(_JPEG):
        return "openslide" if is_mrxs(path) else "picture"
    return "picture" if head.startswith(_PNG) else None


def _tiff(path: str, head: bytes) -> Kind:
    if _OME in head:
        return "vips"
    if not Path(path).is_file():
        told = any(scanner in head for scanner in _SCANNERS)
        return "openslide" if told or base_name(path).lower().endswith(_NAMES) else "picture"
    vendor = _vendor(path)
    if vendor is None:
        return _unknown(path, head)
    # TIFF in tiles: libvips gives the same pixels, and sooner
    return "vips" if vendor == "generic-tiff" else "openslide"


def _unknown(path: str, head: bytes) -> Kind:
    """Say what a TIFF is that OpenSlide does not know: none of its vendors' kind, such as OME-TIFF
    in strips, or one that is cut off anywhere, or one in tiles with the highest byte first, of
    which it knows none.
    """
    import pyvips

    try:
        image = pyvips.Image.new_from_file(path, revalidate=True)
    except pyvips.Error:
        return "picture"
    told = (
        str(image.get(_DESCRIPTION)).encode("utf-8", "replace")
        if image.get_typeof(_DESCRIPTION)
        else b""
    )
    if _OME in told:
        return "vips"
    if not image.get_typeof("tile-width"):
        return "picture"
    cut_off = any(name in told for name in _SCANNERS) and not head.startswith(_BIG_ENDIAN)
    return "openslide" if cut_off else "vips"  # libvips does not know the vendors' spacing


def _vendor(path: str) -> str | None:
    from openslide import OpenSlide

    vendor: str | None = OpenSlide.detect_format(path)
    return vendor
