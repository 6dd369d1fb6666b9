"""Open DICOM files: read the header without the pixels, then decode frames one at a time."""

import math
import struct
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
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
    JPEGTransferSyntaxes,
    MediaStorageDirectoryStorage,
)

from diascope.errors import NoPictureError, ReadError, unreachable
from diascope.readers.dicom_codestream import SIZED_SYNTAXES, check_size
from diascope.readers.dicom_decoders import decoder_plugins, describe_failure
from diascope.readers.dicom_interpretation import complete_interpretation
from diascope.readers.dicom_stored_bits import BitLayout, bit_layout
from diascope.readers.dicom_surplus import surplus_note
from diascope.readers.dicom_tags import integer, tag_name, text, value

_NEEDED = ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated")
_PIXELS = (b"\xe0\x7f", b"\x7f\xe0")  # group 7FE0, in either byte order
_PIXEL_VRS = (b"OB", b"OW", b"OF", b"OD", b"UN")
FrameGenerator = Generator[NDArray[Any], None, None]


class DecodedFrame(NamedTuple):
    """A frame, ``(H, W)`` or ``(H, W, 3)``, and a line for the trace, which may be empty."""

    pixels: NDArray[Any]
    note: str


class DicomFile(NamedTuple):
    """A DICOM file that holds pixels.

    Attributes:
        file: the open file.
        header: all elements before the pixels; its ``file_meta`` has a transfer syntax.
        pixel_offset: where the pixels begin, from the start of the file; None if the file must be
            read as a whole, not frame by frame.
        pixel_element: keyword and, if stated, value representation of the pixels' element, as
            options of pydicom.
        assumed: trace lines on what was assumed because the header does not state it, states it in
            another way, or contradicts the pixels.
    """

    file: BinaryIO
    header: FileDataset
    pixel_offset: int | None
    pixel_element: dict[str, str]
    assumed: list[str]


def open_dicom(file: BinaryIO) -> DicomFile:
    """Read the header of a file, even if it lacks preamble, file meta or transfer syntax.

    Args:
        file: positioned at its start.

    Raises:
        NoPictureError: if it is a DICOM object of a kind that has no pixels.
        ReadError: if it is not DICOM, if the pixels or a required tag are missing, or if the header
            states colours that are not defined, cannot be converted to RGB, or are not subsampled
            although it says YBR_FULL_422.
    """
    header = _parse(file, stop_before_pixels=True)
    if not header.file_meta and "SOPClassUID" not in header and "Rows" not in header:
        raise ReadError("its content is not DICOM")
    assumed = _complete_syntax(header)
    syntax = header.file_meta.TransferSyntaxUID
    deflated = syntax == DeflatedExplicitVRLittleEndian  # the pixels are inside the deflated stream
    start = file.read(8)
    if start[:2] not in _PIXELS and not deflated:
        raise _no_pixels_error(header)
    missing = [f"{tag_name(need)} is missing" for need in _NEEDED if value(header, need) is None]
    if missing:
        raise ReadError(", ".join(missing))
    assumed += complete_interpretation(header)
    explicit = start[4:6] in _PIXEL_VRS
    if deflated or explicit == (syntax == ImplicitVRLittleEndian):
        return DicomFile(file, header, None, {}, assumed)
    tag = struct.unpack("<HH" if start[:2] == _PIXELS[0] else ">HH", start[:4])
    element = {"pixel_keyword": keyword_for_tag(tag)}
    length = start[4:]
    if explicit:
        element["pixel_vr"] = start[4:6].decode()
        length = file.read(4)
    count = int.from_bytes(length, "little" if start[0] == 0xE0 else "big")
    _refuse_false_422(header, count)
    offset = file.tell()
    assumed += surplus_note(header, count, file.read(8))
    return DicomFile(file, header, offset, element, assumed)


def _parse(file: BinaryIO, **options: Any) -> FileDataset:
    try:
        return dcmread(file, force=True, **options)
    except Exception as error:  # of any kind; pydicom's message may quote a name
        damaged = ReadError(f"its DICOM header is damaged ({type(error).__name__})")
        raise unreachable(error) or damaged from None


def _complete_syntax(header: FileDataset) -> list[str]:
    """Add a missing transfer syntax to the file meta; return a trace line if one was assumed."""
    if header.file_meta.get("TransferSyntaxUID"):
        return []
    implicit, little = header.original_encoding
    explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    syntax = ImplicitVRLittleEndian if implicit else explicit
    header.file_meta.TransferSyntaxUID = syntax
    return [f"{tag_name('TransferSyntaxUID')} is missing: {syntax.name} assumed from the bytes"]


def _refuse_false_422(header: FileDataset, length: int) -> None:
    """Refuse colours that are called YBR_FULL_422 but are not subsampled.

    pydicom checks this only if it reads the whole file.

    Args:
        length: size of the pixels of all frames in bytes.

    Raises:
        ReadError: naming the tag.
    """
    if text(header, "PhotometricInterpretation") != "YBR_FULL_422":
        return
    sizes = (integer(header, keyword) or 1 for keyword in ("Rows", "Columns", "NumberOfFrames"))
    if length - 3 * math.prod(sizes) in (0, 1):
        tag = tag_name("PhotometricInterpretation")
        raise ReadError(f"{tag} is YBR_FULL_422, but its pixels take 3 bytes each, as YBR_FULL has")


def _no_pixels_error(header: FileDataset) -> ReadError:
    kind = UID(text(header.file_meta, "MediaStorageSOPClassUID") or text(header, "SOPClassUID"))
    if kind == MediaStorageDirectoryStorage:
        return NoPictureError("a DICOM directory; the files that it lists are items themselves")
    name = kind.name if kind.name != kind else "of a kind that is not stated or not known"
    if "Image Storage" in name or "Rows" in header:
        return ReadError(
            f"{tag_name('PixelData')} is missing: truncated, or stripped of its pixels"
        )
    return NoPictureError(f"a DICOM object without pixels ({name})")


def decode_frames(source: DicomFile, indices: Sequence[int]) -> Generator[DecodedFrame, None, None]:
    """Return a generator of frames, each decoded on request.

    Args:
        source: must stay open until the generator is closed.
        indices: numbers of the frames to decode, counted from 0.

    Raises:
        ReadError: if there is no decoder. The generator raises it if pixels are damaged, or if no
            decoder converts the colours to RGB.
    """
    syntax = source.header.file_meta.TransferSyntaxUID
    plugins = decoder_plugins(syntax)
    content: BinaryIO | Dataset = source.file
    if source.pixel_offset is None:
        source.file.seek(0)
        content = _parse(source.file)
    return _normalise(
        _decode_each(content, indices, plugins, source), syntax, bit_layout(source.header)
    )


def _decode_each(
    content: BinaryIO | Dataset, indices: Sequence[int], plugins: Sequence[str], source: DicomFile
) -> FrameGenerator:
    """Yield frames decoded by the first plugin; where it fails, this and later frames use the next.

    Each frame is a separate call, because options that pydicom sets while decoding one frame would
    otherwise apply to the next.
    """
    decoder = get_decoder(source.header.file_meta.TransferSyntaxUID)
    options = source.pixel_element | as_pixel_options(source.header)
    if decoder.UID in JPEGTransferSyntaxes and options["samples_per_pixel"] > 1:
        options["planar_configuration"] = 0  # that of the decoded pixels, whatever the header says
    if bit_layout(source.header):
        options |= {"view_only": True, "correct_unused_bits": False}
    if len(indices) > 1 and source.pixel_offset is not None and decoder.is_encapsulated:
        source.file.seek(source.pixel_offset)
        options = _frame_offsets(source.file, options["number_of_frames"]) | options
    untried, start = list(plugins), source.pixel_offset
    for index in indices:
        number, frame_options = index, options
        if decoder.UID in SIZED_SYNTAXES and source.pixel_offset is not None:
            content, start, number = _checked_frame(source, index, options), 0, 0
            frame_options = options | {"number_of_frames": 1, "extended_offsets": None}
        while True:
            if start is not None:
                content.seek(start)
            try:
                frame, properties = decoder.as_array(
                    content,
                    index=number,
                    validate=index == indices[0],
                    decoding_plugin=untried[0],
                    **frame_options,
                )
                break
            except Exception:  # pydicom and its decoders may raise any kind of error
                if len(untried) == 1:
                    raise
                del untried[0]
        if (kind := str(properties["photometric_interpretation"])).startswith("YBR"):
            tag = tag_name("PhotometricInterpretation")
            raise ReadError(f"{tag} is {kind}, which no decoder here converts to RGB")
        yield frame


def _checked_frame(source: DicomFile, index: int, options: Mapping[str, Any]) -> BinaryIO:
    """Return one compressed frame as an encapsulated file, after checking its size."""
    source.file.seek(source.pixel_offset or 0)
    frame = get_frame(
        source.file,
        index,
        number_of_frames=options["number_of_frames"],
        extended_offsets=options.get("extended_offsets"),
    )
    check_size(frame, source.header)
    return BytesIO(encapsulate([frame], has_bot=False))


def _frame_offsets(file: BinaryIO, frames: int) -> dict[str, Any]:
    """Return the offsets of frames as pydicom's option for an extended offset table.

    Without a table, pydicom searches all fragments for each frame. The result is empty if the file
    has a basic offset table, or if a frame may have more than one fragment.

    Args:
        file: positioned at the pixels.
    """
    if parse_basic_offsets(file):
        return {}
    first = file.tell()
    count, starts = parse_fragments(file)
    if count != frames:
        return {}
    lengths = []
    for start in starts:
        file.seek(start + 4)  # the length follows the fragment's tag
        lengths.append(int.from_bytes(file.read(4), "little"))
    return {"extended_offsets": ([start - first for start in starts], lengths)}


def _normalise(
    decoded: FrameGenerator, syntax: UID, layout: BitLayout | None
) -> Generator[DecodedFrame, None, None]:
    """Yield frames in native byte order, and turn any failure into a ReadError."""
    with closing(decoded):
        while True:
            try:
                frame = next(decoded, None)
            except (GeneratorExit, KeyboardInterrupt, SystemExit, ReadError):
                raise
            except BaseException as error:  # a panic in Rust is not an Exception
                raise unreachable(error) or ReadError(describe_failure(syntax, error)) from error
            if frame is None:
                return
            frame = np.asarray(frame, dtype=frame.dtype.newbyteorder("="))
            found = (frame, "") if layout is None else layout.extract(frame)
            yield DecodedFrame(*found)
