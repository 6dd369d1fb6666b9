"""Complete the header of a DICOM slide that lacks attributes which wsidicom requires.

Older converters omit the image type, the spacing or the positions of frames, or declare YCbCr as
RGB. The pixels stay unchanged. The trace reports the values that were assumed.
"""

import io
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import get_frame
from pydicom.filewriter import dcmwrite
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEGBaseline8Bit

from diascope.errors import ReadError
from diascope.readers.dicom_facts import spacing_from_tag

_ENCAPSULATED = 12  # bytes of tag, VR and length before the first fragment
_JPEG_BLOCK = 16
_MAX_STD = 3.0  # of padding after lossy compression
_ANY_SPACING_MM = 0.001


class RepairedFile(NamedTuple):
    """A copy of a file with a complete header.

    Attributes:
        path: of the copy, which the caller deletes.
        spacing_stated: whether the slide itself states its spacing.
        notes: trace lines on what was missing and what was assumed.
    """

    path: Path
    spacing_stated: bool
    notes: tuple[str, ...]


def repair_header(path: Path) -> RepairedFile | None:
    """Return a copy of the file with a complete header, or None if nothing is missing.

    Raises:
        ReadError: if the size of the slide or of its frames is missing.
    """
    with path.open("rb") as file:
        header = dcmread(file, stop_before_pixels=True)
        start = file.tell()
        spacing_stated = _has_spacing(header)
        notes = tuple(_complete(header, path, file))
        if not notes:
            return None
        file.seek(start)
        with (
            ExitStack() as failed,
            NamedTemporaryFile(prefix="diascope-", suffix=".dcm", delete=False) as copy,
        ):
            failed.callback(Path(copy.name).unlink)
            dcmwrite(copy, header, enforce_file_format=True)
            shutil.copyfileobj(file, copy, 1 << 20)
            copy.flush()
            failed.pop_all()
    return RepairedFile(Path(copy.name), spacing_stated, notes)


def _complete(header: FileDataset, path: Path, file: BinaryIO) -> Iterator[str]:
    """Add missing attributes, and yield a trace line for each.

    Args:
        file: positioned at the pixel data.
    """
    needed = ("Rows", "Columns", "TotalPixelMatrixRows", "TotalPixelMatrixColumns")
    missing = [keyword for keyword in needed if not header.get(keyword)]
    if missing:
        raise ReadError(f"its DICOM header lacks {', '.join(missing)}")
    if _is_ycc(header, file):
        header.PhotometricInterpretation = "YBR_FULL_422"
        yield "its colours are YCbCr, though its header says RGB"
    if not header.get("ImageType"):
        header.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
        yield "ImageType is missing: taken for a level of a slide"
    if not _has_frame_positions(header):
        yield _add_frame_positions(header, path)
    if not _has_spacing(header):
        fault = "holds no two lengths" if "PixelSpacing" in _measures(header) else "is missing"
        measures = Dataset()
        measures.PixelSpacing = [_ANY_SPACING_MM, _ANY_SPACING_MM]
        measures.SliceThickness = _ANY_SPACING_MM
        if not header.get("SharedFunctionalGroupsSequence"):
            header.SharedFunctionalGroupsSequence = [Dataset()]
        header.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence = [measures]
        yield f"PixelSpacing {fault}"


def _has_spacing(header: Dataset) -> bool:
    return spacing_from_tag(_measures(header), "PixelSpacing") is not None


def _measures(header: Dataset) -> Dataset:
    shared = header.get("SharedFunctionalGroupsSequence") or [Dataset()]
    measures: Dataset = (shared[0].get("PixelMeasuresSequence") or [Dataset()])[0]
    return measures


def _is_ycc(header: FileDataset, file: BinaryIO) -> bool:
    """Return whether JPEG frames declared as RGB are YCbCr: RGB has no JFIF and no subsampling."""
    from PIL import Image

    is_jpeg = header.file_meta.TransferSyntaxUID == JPEGBaseline8Bit
    if not is_jpeg or header.get("PhotometricInterpretation") != "RGB":
        return False
    file.seek(_ENCAPSULATED, io.SEEK_CUR)
    frames = int(header.get("NumberOfFrames") or 1)
    with Image.open(io.BytesIO(get_frame(file, 0, number_of_frames=frames))) as image:
        layers: Any = getattr(image, "layer", ())
        subsampled = len({(across, down) for _, across, down, _ in layers}) > 1
        return image.info.get("adobe_transform") != 0 and (subsampled or "jfif" in image.info)


def _has_frame_positions(header: Dataset) -> bool:
    full = header.get("DimensionOrganizationType") == "TILED_FULL"
    return full or bool(header.get("PerFrameFunctionalGroupsSequence"))


def _add_frame_positions(header: FileDataset, path: Path) -> str:
    """Add the positions of frames to the header, and return a trace line.

    They are row by row as in TILED_FULL, unless the padding of frames shows another order.
    """
    height, width = header.TotalPixelMatrixRows, header.TotalPixelMatrixColumns
    rows, columns = -(-height // header.Rows), -(-width // header.Columns)
    right = np.s_[:, _padding_start(width % header.Columns) :]
    below = np.s_[_padding_start(height % header.Rows) :, :]
    ends = {"row by row": (columns - 1, right), "column by column": (rows - 1, below)}
    orders = [
        order for order, end in ends.items() if min(rows, columns) > 1 and _is_flat(path, *end)
    ]
    if orders == ["column by column"]:
        places = [(row, column) for column in range(columns) for row in range(rows)]
        header.PerFrameFunctionalGroupsSequence = [_position(header, *place) for place in places]
        header.DimensionOrganizationType = "TILED_SPARSE"
    else:
        header.DimensionOrganizationType = "TILED_FULL"
    order = f"{orders[0]}, as their padding tells" if len(orders) == 1 else "row by row assumed"
    return f"it is not stated where its frames lie: {order}"


def _padding_start(filled: int) -> int:
    """Return where padding begins that compression artefacts of the image's edge cannot reach."""
    return -(-filled // _JPEG_BLOCK) * _JPEG_BLOCK


def _is_flat(path: Path, number: int, part: Any) -> bool:
    """Return whether a part of a frame has a uniform colour."""
    pixels = pixel_array(path, index=number, raw=True)[part]
    return bool(pixels.size) and bool((pixels.std(axis=(0, 1)) < _MAX_STD).all())


def _position(header: Dataset, row: int, column: int) -> Dataset:
    place, frame = Dataset(), Dataset()
    place.RowPositionInTotalImagePixelMatrix = row * header.Rows + 1
    place.ColumnPositionInTotalImagePixelMatrix = column * header.Columns + 1
    place.XOffsetInSlideCoordinateSystem = 0
    place.YOffsetInSlideCoordinateSystem = 0
    place.ZOffsetInSlideCoordinateSystem = 0
    frame.PlanePositionSlideSequence = [place]
    return frame
