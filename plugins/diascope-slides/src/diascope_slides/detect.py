"""Detect which backend opens a file, from its first bytes and, for a TIFF, its tags."""

from pathlib import Path, PurePosixPath
from typing import Literal

Kind = Literal["dicom", "openslide", "vips", "picture"]

HEAD_BYTES = 4096
_DICOM_SLIDE = b"\x02\x00\x02\x00UI\x1e\x001.2.840.10008.5.1.4.1.1.77.1.6"
"""Media Storage SOP Class UID: VL Whole Slide Microscopy Image Storage."""
_BIG_ENDIAN = b"MM\x00*"
_BIG_TIFF = (b"II+\x00", b"MM\x00+")
_TIFF = (b"II*\x00", _BIG_ENDIAN, *_BIG_TIFF)
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_SCANNERS = (b"Aperio", b"Hamamatsu", b"<scn", b"iScan", b"PHILIPS")
_PHOTO_PIXELS = 25_000_000
"""A tiled TIFF of one level and without a spacing is a photograph up to this size."""
_OME, _DESCRIPTION = b"<OME", "image-description"
_SUFFIXES = (".svs", ".ndpi", ".scn", ".bif", ".ome.tif", ".ome.tiff")  # of slides only


def is_dicom_slide(head: bytes) -> bool:
    """Return whether a file's first 4,096 bytes are those of a DICOM whole slide."""
    return head[128:132] == b"DICM" and head.find(_DICOM_SLIDE, 132) >= 0


def base_name(uri: str) -> str:
    """Return the file name of a path or URI, without a URI's query and archive."""
    if "://" in uri:
        uri = uri.partition("::")[0].partition("?")[0]
    return PurePosixPath(uri).name


def is_mrxs(uri: str) -> bool:
    """Return whether a file belongs to an MRXS slide: a JPEG beside a folder of the same name."""
    return base_name(uri).lower().endswith(".mrxs")


def detect_kind(path: str, head: bytes) -> Kind | None:
    """Return the backend for a slide, ``picture`` for an ordinary picture, or None.

    Args:
        path: path or URI. Of a local TIFF, the tags are read too, as they may be anywhere in the
            file; of a remote TIFF, the suffix counts too. MRXS is recognised by its suffix.
        head: the first 4,096 bytes of the file.
    """
    if head[128:132] == b"DICM":  # such a file may also be a TIFF
        return "dicom" if is_dicom_slide(head) else None
    if head.startswith(_TIFF):
        return _tiff_kind(path, head)
    if head.startswith(_JPEG):
        return "openslide" if is_mrxs(path) else "picture"
    return "picture" if head.startswith(_PNG) else None


def _tiff_kind(path: str, head: bytes) -> Kind:
    if _OME in head:
        return "vips"
    if not Path(path).is_file():
        is_scan = any(scanner in head for scanner in _SCANNERS)
        return "openslide" if is_scan or base_name(path).lower().endswith(_SUFFIXES) else "picture"
    vendor = _detect_vendor(path)
    if vendor is None:
        return _unknown_tiff_kind(path, head)
    # libvips reads tiled TIFFs with the same pixels, but faster
    return _tiled_kind(path, head) if vendor == "generic-tiff" else "openslide"


def _tiled_kind(path: str, head: bytes) -> Kind:
    """Return the kind of an intact tiled TIFF of no vendor: a slide, unless it may be a photo."""
    if head.startswith(_BIG_TIFF):
        return "vips"
    import pyvips

    from diascope_slides.backends.vips import spacing_um

    try:
        image = pyvips.Image.new_from_file(path, revalidate=True)
    except pyvips.Error:  # in a way that libvips does not read; opening it says so
        return "vips"
    is_single = image.get_n_pages() == 1 and not image.get_typeof("n-subifds")
    is_small = image.width * image.height <= _PHOTO_PIXELS
    return "picture" if is_single and is_small and spacing_um(image) is None else "vips"


def _unknown_tiff_kind(path: str, head: bytes) -> Kind:
    """Return the kind of a TIFF that OpenSlide does not recognise.

    It may be of no vendor that OpenSlide knows, such as OME-TIFF in strips; it may be truncated; or
    it may be a tiled big-endian TIFF, which OpenSlide never recognises.
    """
    import pyvips

    try:
        image = pyvips.Image.new_from_file(path, revalidate=True)
    except pyvips.Error:
        return "picture"
    description = (
        str(image.get(_DESCRIPTION)).encode("utf-8", "replace")
        if image.get_typeof(_DESCRIPTION)
        else b""
    )
    if _OME in description:
        return "vips"
    if not image.get_typeof("tile-width"):
        return "picture"
    is_scan = any(name in description for name in _SCANNERS)
    if head.startswith(_BIG_ENDIAN) and not is_scan:
        return _tiled_kind(path, head)
    is_truncated = is_scan and not head.startswith(_BIG_ENDIAN)
    return "openslide" if is_truncated else "vips"  # libvips does not know the vendors' spacing


def _detect_vendor(path: str) -> str | None:
    from openslide import OpenSlide

    vendor: str | None = OpenSlide.detect_format(path)
    return vendor
