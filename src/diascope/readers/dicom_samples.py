"""Turn the frames of an open DICOM file into Samples."""

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
    """Yield a Sample for each requested frame; each is decoded only when it is needed.

    Raises:
        ReadError: see ``DicomReader``.
    """
    with capture_warnings():  # warnings may quote values of the header, such as names
        source = open_dicom(file)
        count = integer(source.header, "NumberOfFrames") or 1
        indices = _frame_indices(frames, count)
        decoded = decode_frames(source, indices)
    with closing(decoded):
        for index in indices:
            with capture_warnings() as caught:
                stored, note = next(decoded)
            notes = [*_decoder_notes(caught), *filter(None, [note])]
            choice = [f"frame {index} of {count}, counted from 0"] if len(indices) < count else []
            with capture_warnings():
                sample = _sample(item, source, stored, index, window, [*choice, *notes])
            yield sample


def _decoder_notes(caught: list[warnings.WarningMessage]) -> list[str]:
    """Return decoder warnings for the trace.

    pydicom's warnings about the header are left out, as they may quote its values.
    """
    sources = {str(each.message): Path(each.filename).parts for each in caught}
    return [
        f"the decoder warns: {text}"
        for text, parts in sources.items()
        if "pydicom" not in parts or "pixels" in parts
    ]


def _frame_indices(frames: Frames, count: int) -> range:
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
