"""From an open DICOM file to Samples, frame by frame."""

import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from diascope.errors import ReadError
from diascope.library_warnings import capture_warnings
from diascope.readers.dicom_display import to_display
from diascope.readers.dicom_facts import facts, remarks, spacing
from diascope.readers.dicom_files import DicomFile, decode_frames, open_dicom
from diascope.readers.dicom_frames import frame_header
from diascope.readers.dicom_options import Frames, Window
from diascope.readers.dicom_tags import integer
from diascope.sample import Item, Sample


def read_samples(file: BinaryIO, item: Item, window: Window, frames: Frames) -> Iterator[Sample]:
    """Yield a Sample for each frame that is asked for, decoding none before it is taken.

    Raises:
        ReadError: see ``DicomReader``.
    """
    with capture_warnings():  # warnings quote values, which may be names
        source = open_dicom(file)
        count = integer(source.header, "NumberOfFrames") or 1
        wanted = _wanted(frames, count)
        decoded = decode_frames(source, wanted)
    with closing(decoded):
        for index in wanted:
            with capture_warnings() as told:
                stored = next(decoded)
            notes = _decoder_notes(told)
            choice = [f"frame {index} of {count}, counted from 0"] if len(wanted) < count else []
            with capture_warnings():
                sample = _sample(item, source, stored, index, window, [*choice, *notes])
            yield sample


def _decoder_notes(told: list[warnings.WarningMessage]) -> list[str]:
    """Return lines for the trace, without what pydicom says of the header: it quotes values."""
    places = {str(each.message): Path(each.filename).parts for each in told}
    return [
        f"the decoder warns: {text}"
        for text, parts in places.items()
        if "pydicom" not in parts or "pixels" in parts
    ]


def _wanted(frames: Frames, count: int) -> range:
    if frames == "all":
        return range(count)
    index = count // 2 if frames == "middle" else frames
    if index >= count:
        raise ReadError(f"the recipe asks for frame {index}, counted from 0; the file has {count}")
    return range(index, index + 1)


def _sample(
    item: Item,
    source: DicomFile,
    stored: NDArray[Any],
    index: int,
    window: Window,
    notes: list[str],
) -> Sample:
    header = frame_header(source.header, index)
    picture = to_display(stored, header, window)
    size, origin = spacing(header)
    return Sample(
        item,
        picture.pixels,
        range=picture.range,
        spacing_mm=size,
        frame=index,
        trace=(*source.assumed, *notes, *picture.trace, origin, *remarks(header)),
        facts=facts(header),
    )
