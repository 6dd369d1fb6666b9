"""DICOM files: a header without pixels, and decoded frames, one at a time."""

import math
import struct
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from importlib.util import find_spec
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate, get_frame, parse_basic_offsets, parse_fragments
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import as_pixel_options
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGExtended12Bit,
    JPEGTransferSyntaxes,
    MediaStorageDirectoryStorage,
)

from diascope.errors import NoPictureError, ReadError, unreachable
from diascope.readers import dicom_imagecodecs, dicom_libjpeg
from diascope.readers.dicom_codestream import SIZED_SYNTAXES, check_size
from diascope.readers.dicom_stored_bits import BitLayout, bit_layout
from diascope.readers.dicom_tags import integer, tag_name, text, value

_NEEDED = ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated")
_PIXELS = (b"\xe0\x7f", b"\x7f\xe0")  # group 7FE0, in either byte order
_PIXEL_VRS = (b"OB", b"OW", b"OF", b"OD", b"UN")
Decoded = Generator[NDArray[Any], None, None]

# on import, as pydicom's list of plugins is not safe for threads
dicom_imagecodecs.register()
dicom_libjpeg.register()


class DicomFile(NamedTuple):
    """A DICOM file that holds pixels.

    Attributes:
        file: the content, open.
        header: what stands before the pixels, with a transfer syntax in its ``file_meta``.
        pixel_offset: where they begin, from the start of the file; None if only the whole file, not
            single frames, can be read.
        pixel_element: the keyword and, if it is stated, the representation of what holds them.
        assumed: what the header does not say, for the trace.
    """

    file: BinaryIO
    header: FileDataset
    pixel_offset: int | None
    pixel_element: dict[str, str]
    assumed: list[str]


def open_dicom(file: BinaryIO) -> DicomFile:
    """Read a header, of a file without preamble, file meta or transfer syntax, too.

    Args:
        file: at its start.

    Raises:
        NoPictureError: if it is a DICOM object of a kind that has no pixels.
        ReadError: if it is not DICOM, pixels or a tag that they need are missing, or colours
            are called halved that are not.
    """
    header = _parsed(file, stop_before_pixels=True)
    if not header.file_meta and "SOPClassUID" not in header and "Rows" not in header:
        raise ReadError("its content is not DICOM")
    assumed = _settle_syntax(header)
    syntax = header.file_meta.TransferSyntaxUID
    deflated = syntax == DeflatedExplicitVRLittleEndian  # then the pixels lie in the stream
    start = file.read(8)
    if start[:2] not in _PIXELS and not deflated:
        raise _without_pixels(header)
    missing = [f"{tag_name(need)} is missing" for need in _NEEDED if value(header, need) is None]
    if missing:
        raise ReadError(", ".join(missing))
    explicit = start[4:6] in _PIXEL_VRS
    if deflated or explicit == (syntax == ImplicitVRLittleEndian):
        return DicomFile(file, header, None, {}, assumed)
    tag = struct.unpack("<HH" if start[:2] == _PIXELS[0] else ">HH", start[:4])
    holds = {"pixel_keyword": keyword_for_tag(tag)}
    length = start[4:]
    if explicit:
        holds["pixel_vr"] = start[4:6].decode()
        length = file.read(4)
    _refuse_unhalved(header, int.from_bytes(length, "little" if start[0] == 0xE0 else "big"))
    return DicomFile(file, header, file.tell(), holds, assumed)


def _parsed(file: BinaryIO, **options: Any) -> FileDataset:
    try:
        return dcmread(file, force=True, **options)
    except Exception as error:  # pydicom raises all kinds; its words may quote a name
        damaged = ReadError(f"its DICOM header is damaged ({type(error).__name__})")
        raise unreachable(error) or damaged from None


def _settle_syntax(header: FileDataset) -> list[str]:
    """Give the file meta a transfer syntax if it lacks one."""
    if header.file_meta.get("TransferSyntaxUID"):
        return []
    implicit, little = header.original_encoding
    explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    syntax = ImplicitVRLittleEndian if implicit else explicit
    header.file_meta.TransferSyntaxUID = syntax
    return [f"{tag_name('TransferSyntaxUID')} is missing: {syntax.name} assumed from the bytes"]


def _refuse_unhalved(header: FileDataset, length: int) -> None:
    """Refuse colours that are called halved and are not, as pydicom does of a whole file only.

    Args:
        length: of the pixels of all frames, in bytes.

    Raises:
        ReadError: naming the tag.
    """
    if text(header, "PhotometricInterpretation") != "YBR_FULL_422":
        return
    sizes = (integer(header, keyword) or 1 for keyword in ("Rows", "Columns", "NumberOfFrames"))
    if length - 3 * math.prod(sizes) in (0, 1):
        tag = tag_name("PhotometricInterpretation")
        raise ReadError(f"{tag} is YBR_FULL_422, but its pixels take 3 bytes each, as YBR_FULL's")


def _without_pixels(header: FileDataset) -> ReadError:
    kind = UID(text(header.file_meta, "MediaStorageSOPClassUID") or text(header, "SOPClassUID"))
    if kind == MediaStorageDirectoryStorage:
        return NoPictureError("a DICOM directory; the files that it lists are items themselves")
    known = kind.name if kind.name != kind else "of a kind that is not stated or not known"
    if "Image Storage" in known or "Rows" in header:
        return ReadError(
            f"{tag_name('PixelData')} is missing: truncated, or stripped of its pixels"
        )
    return NoPictureError(f"a DICOM object without pixels ({known})")


def decode_frames(source: DicomFile, wanted: Sequence[int]) -> Decoded:
    """Return a generator of frames, ``(H, W)`` or ``(H, W, 3)``, each decoded when it is asked for.

    Args:
        source: stays open until the generator is closed.
        wanted: which frames to decode, from 0.

    Raises:
        ReadError: if there is no decoder; from the generator, if the pixels are damaged, or
            colours that are not converted to RGB.
    """
    syntax = source.header.file_meta.TransferSyntaxUID
    plugins = _plugins(syntax)
    content: BinaryIO | Dataset = source.file
    if source.pixel_offset is None:
        source.file.seek(0)
        content = _parsed(source.file)
    return _plain(_decoded(content, wanted, plugins, source), syntax, bit_layout(source.header))


def _decoded(
    content: BinaryIO | Dataset, wanted: Sequence[int], plugins: Sequence[str], source: DicomFile
) -> Decoded:
    """Yield frames by the first plugin, and from the first one on that it cannot, by the next.

    Each is a call of its own: what pydicom notes down of a frame, it holds against the next ones.
    """
    decoder = get_decoder(source.header.file_meta.TransferSyntaxUID)
    options = source.pixel_element | as_pixel_options(source.header)
    if decoder.UID in JPEGTransferSyntaxes and options["samples_per_pixel"] > 1:
        options["planar_configuration"] = 0  # as it is decoded, whatever the header says
    if bit_layout(source.header):
        options |= {"view_only": True, "correct_unused_bits": False}
    if len(wanted) > 1 and source.pixel_offset is not None and decoder.is_encapsulated:
        source.file.seek(source.pixel_offset)
        options = _places(source.file, options["number_of_frames"]) | options
    left, start = list(plugins), source.pixel_offset
    for index in wanted:
        number, told = index, options
        if decoder.UID in SIZED_SYNTAXES and source.pixel_offset is not None:
            content, start, number = _checked(source, index, options), 0, 0
            told = options | {"number_of_frames": 1, "extended_offsets": None}
        while True:
            if start is not None:
                content.seek(start)
            try:
                frame, made = decoder.as_array(
                    content,
                    index=number,
                    validate=index == wanted[0],
                    decoding_plugin=left[0],
                    **told,
                )
                break
            except Exception:  # pydicom and its decoders raise all kinds
                if len(left) == 1:
                    raise
                del left[0]
        if (kind := str(made["photometric_interpretation"])).startswith("YBR"):
            tag = tag_name("PhotometricInterpretation")
            raise ReadError(f"{tag} is {kind}, which no decoder here converts to RGB")
        yield frame


def _checked(source: DicomFile, index: int, options: Mapping[str, Any]) -> BinaryIO:
    """Return one compressed frame, as pixels of its own; it has the size that the header says."""
    source.file.seek(source.pixel_offset or 0)
    frame = get_frame(
        source.file,
        index,
        number_of_frames=options["number_of_frames"],
        extended_offsets=options.get("extended_offsets"),
    )
    check_size(frame, source.header)
    return BytesIO(encapsulate([frame], has_bot=False))


def _places(file: BinaryIO, frames: int) -> dict[str, Any]:
    """Return where frames lie, as the option of pydicom that an extended table of offsets becomes.

    Without a table, pydicom goes through all fragments for each frame. Nothing is returned where a
    basic table says it, or where a frame may have more than one fragment.

    Args:
        file: at the pixels.
    """
    if parse_basic_offsets(file):
        return {}
    first = file.tell()
    count, starts = parse_fragments(file)
    if count != frames:
        return {}
    lengths = []
    for start in starts:
        file.seek(start + 4)  # behind the fragment's tag
        lengths.append(int.from_bytes(file.read(4), "little"))
    return {"extended_offsets": ([start - first for start in starts], lengths)}


def _plain(decoded: Decoded, syntax: UID, ours: BitLayout | None) -> Decoded:
    """Yield frames in native byte order; whatever goes wrong is a ReadError."""
    with closing(decoded):
        while True:
            try:
                frame = next(decoded, None)
            except (GeneratorExit, KeyboardInterrupt, SystemExit, ReadError):
                raise
            except BaseException as error:  # all kinds: what fails in Rust is no Exception
                raise unreachable(error) or ReadError(_undecodable(syntax, error)) from error
            if frame is None:
                return
            frame = np.asarray(frame, dtype=frame.dtype.newbyteorder("="))
            yield frame if ours is None else ours.extract(frame)


def _plugins(syntax: UID) -> list[str]:
    """Return the decoders that pydicom shall try in turn; an empty name lets it choose."""
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise ReadError(f"no decoder knows its transfer syntax, {syntax.name}") from None
    names, theirs = set(decoder.available_plugins), "pylibjpeg"
    if fills := theirs in names and syntax in dicom_libjpeg.FILLED_UP:
        names.remove(theirs)
    if decoder.is_encapsulated and not names:
        raise ReadError(
            f"its pixels are compressed as {syntax.name}, and no decoder for that is installed",
            hint=f"Install one: {_advice(syntax)}.",
        )
    first = [dicom_imagecodecs.NAME] if dicom_imagecodecs.NAME in names else []
    if fills:
        others = names - {*first, dicom_libjpeg.NAME}
        return [*first, *sorted(others), *(names & {dicom_libjpeg.NAME})]
    # the same pixels as GDCM's, which prints what is wrong with a damaged stream
    prefers = syntax in JPEG2000TransferSyntaxes and theirs in names
    return [*first, theirs if prefers else ""]


def _undecodable(syntax: UID, error: BaseException) -> str:
    if not syntax.is_compressed:
        return f"its pixels are truncated or damaged: {error}"
    reason = f"its pixels ({syntax.name}) cannot be decoded: {error}"
    if syntax == JPEGExtended12Bit and find_spec("libjpeg") is None:
        reason += f"; one more decoder: {_advice(syntax)}"
    return reason


def _advice(syntax: UID) -> str:
    extra = "dicom,dicom-gpl" if syntax == JPEGExtended12Bit else "dicom"
    return f'pip install "diascope[{extra}]"'
