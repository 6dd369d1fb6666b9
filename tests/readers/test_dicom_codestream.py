"""A compressed picture must have the size that its header states."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import RLELossless

from diascope.errors import ReadError
from diascope.readers.dicom import DicomReader
from diascope.readers.dicom_codestream import Size, stated_size
from diascope.readers.dicom_files import decode_frames, open_dicom
from diascope.sample import Item
from tests.readers.dicoms import dataset, only, written

Make = Callable[..., Item]
KINDS = (
    "color3d_jpeg_baseline.dcm",
    "JPEG-LL.dcm",
    "US1_J2KR.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
)
SIZE = b"\xff\x51\x00\x29\x00\x00" + bytes.fromhex("00000014 0000000c 00000004 00000002")
SIZE += bytes(16) + b"\x00\x03"  # 20 x 12, of which 4 and 2 are left out; 3 components
LINES = b"\xff\xc0\x00\x0b\x08\x00\x05\x00\x07\x01"  # 5 lines of 7


def path(name: str) -> Path:
    return Path(str(get_testdata_file(name)))


@pytest.mark.parametrize("name", KINDS)
def test_exchanged_rows_and_columns_are_reported(make_item: Make, name: str) -> None:
    dicom = dcmread(path(name))
    rows, columns = dicom.Rows, dicom.Columns
    dicom.Rows, dicom.Columns = (columns, rows) if rows != columns else (2 * rows, columns // 2)

    message = rf"Rows \(0028,0010\) is {dicom.Rows}, but the compressed picture has {rows}$"
    with pytest.raises(ReadError, match=message):
        only(make_item(written(dicom)), frames=0)


def test_colours_declared_as_grey_are_reported(make_item: Make) -> None:
    dicom = dcmread(path("color3d_jpeg_baseline.dcm"))
    dicom.SamplesPerPixel, dicom.PhotometricInterpretation = 1, "MONOCHROME2"
    del dicom.PlanarConfiguration

    with pytest.raises(ReadError, match=r"Samples per Pixel \(0028,0002\) is 1, but .* has 3$"):
        only(make_item(written(dicom)), frames=0)


def test_a_later_frame_of_another_size_is_reported(make_item: Make) -> None:
    dicom = dcmread(path("MR_small_jpeg_ls_lossless.dcm"))
    (own,) = generate_frames(dicom.PixelData, number_of_frames=1)
    at = own.index(b"\xff\xf7") + 5  # of its lines, then their length
    assert own[at : at + 4] == bytes.fromhex("0040 0040")
    dicom.PixelData = encapsulate([own, own[:at] + bytes.fromhex("0020 0080") + own[at + 4 :]])
    dicom.NumberOfFrames = 2

    samples = DicomReader().read(make_item(written(dicom)))
    assert next(samples).frame == 0
    with pytest.raises(ReadError, match=r"Rows \(0028,0010\) is 64, but .* has 32$"):
        next(samples)


class Counting(io.BytesIO):
    """A file that counts the bytes that are read from it."""

    bytes_read = 0

    def read(self, size: int | None = -1) -> bytes:
        self.bytes_read += len(got := super().read(size))
        return got


def test_a_frame_whose_size_is_checked_is_read_once() -> None:
    dicom = dcmread(path("MR_small_jpeg_ls_lossless.dcm"))
    dicom.PixelData = encapsulate([*generate_frames(dicom.PixelData, number_of_frames=1)] * 9)
    dicom.NumberOfFrames = 9
    file = Counting(written(dicom))

    assert len(list(decode_frames(open_dicom(file), range(9)))) == 9
    assert file.bytes_read < 1.5 * len(file.getvalue())


def test_rle_data_that_looks_like_jpeg_2000_states_no_size(make_item: Make) -> None:
    pixels = np.frombuffer(b"\xff\x4f" + SIZE + bytes(range(99)), np.uint8)[np.newaxis]
    dicom = dataset(pixels)
    dicom.compress(RLELossless, encoding_plugin="pydicom")

    np.testing.assert_array_equal(only(make_item(written(dicom))).pixels[:, :, 0], pixels)


@pytest.mark.parametrize(
    ("stream", "size"),
    [
        (b"\xff\x4f" + SIZE, Size(10, 16, 3)),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + b"\xff\x4f" + SIZE, Size(10, 16, 3)),  # in a file's box
        (b"\xff\x4f" + SIZE[:12], None),
        (b"\xff\xd8" + LINES, Size(5, 7, 1)),
        (b"\xff\xd8\xff\xff\xe0\x00\x05\xff\xc0\x00\xff\x01" + LINES, Size(5, 7, 1)),  # fills, text
        (b"\xff\xd8\xff\xc4\x00\x02" + LINES, Size(5, 7, 1)),  # a table, whose marker is like it
        (b"\xff\xd8\xff\xda\x00\x02" + LINES, None),
        (b"\xff\xd8" + LINES.replace(b"\x00\x05", b"\x00\x00"), None),  # stated after the scan
        (b"\xff\xd8" + LINES[:7], None),
        (b"\xff\xd8\xff\xe0\x00", None),
        (b"\xff\xd8\xff", None),
        (b"", None),
    ],
)
def test_a_size_is_found_where_it_is_stated(stream: bytes, size: Size | None) -> None:
    assert stated_size(stream) == size


@pytest.mark.parametrize("name", KINDS)
def test_real_pictures_state_their_size(name: str) -> None:
    dicom = dcmread(path(name))
    count = int(dicom.get("NumberOfFrames", 1))
    first = next(generate_frames(dicom.PixelData, number_of_frames=count))
    assert stated_size(first) == (dicom.Rows, dicom.Columns, dicom.SamplesPerPixel)
