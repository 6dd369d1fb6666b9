"""Every file of pydicom and pydicom-data is read bit-identically to pydicom's own functions."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ImplicitVRLittleEndian

from diascope.errors import ReadError
from diascope.readers.dicom import DicomReader
from diascope.sample import Item
from tests.readers.dicoms import library, only

SHARED = Path(__file__).parents[3] / "shared" / "data" / "dicom"
FILES = [path for path in library() if DicomReader().sniff(str(path), path.read_bytes()[:4096])]
FILES += sorted(SHARED.glob("*.dcm"))
MACROS = ("PixelValueTransformationSequence", "FrameVOILUTSequence")


def item(name: str) -> Item:
    found = [path for path in FILES if path.name == name]
    if not found:
        pytest.skip(f"{name} needs pydicom-data")
    return Item(name, str(found[0]))


def by_pydicom(path: Path, frame: int) -> tuple[Dataset, NDArray[Any]]:
    """Return the header and one frame decoded by pydicom alone, with the whole file in memory."""
    header, whole = (dcmread(path, force=True, stop_before_pixels=stop) for stop in (True, False))
    if "PixelData" not in whole:  # cut short, or none at all, which pixel_array refuses
        return header, pixel_array(path, index=frame)
    for read in (header, whole):
        read.file_meta.TransferSyntaxUID = read.file_meta.get(
            "TransferSyntaxUID", ImplicitVRLittleEndian
        )
    return header, pixel_array(whole, index=frame)


def by_the_standard(stored: NDArray[Any], header: Dataset, white: float) -> NDArray[Any]:
    """Return a frame displayed by pydicom's functions, in the order of the standard."""
    if header.PhotometricInterpretation == "PALETTE COLOR":
        return apply_color_lut(stored, header)[:, :, :3]
    if header.SamplesPerPixel == 3:
        return stored
    for group in header.get("SharedFunctionalGroupsSequence", [])[:1]:
        for macro in MACROS:
            header.update(group.get(macro, [Dataset()])[0])
    seen = apply_voi_lut(apply_modality_lut(stored, header), header)
    if header.PhotometricInterpretation == "MONOCHROME1":
        low = float(header.get("RescaleIntercept", 0))
        seen = white - seen + low
    return seen[:, :, None]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_reader_equals_pydicom_to_the_bit_or_neither_can_read(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            header, stored = by_pydicom(path, 0)
        except Exception as error:
            with pytest.raises(ReadError):
                only(Item(path.name, str(path)), frames=0)
            pytest.skip(f"pydicom cannot decode it: {' '.join(str(error).split())[:80]}")
        sample = only(Item(path.name, str(path)), frames=0)
        big_palette = not header.file_meta.TransferSyntaxUID.is_little_endian
        if big_palette and "RedPaletteColorLookupTableData" in header:
            pytest.skip("pydicom takes the palette's bytes in the wrong order; tested below")
        expected = by_the_standard(stored, header, sample.range[1])

    filled = np.zeros(stored.shape, dtype=bool)
    if sample.pixels.shape[2] == 1 and "PixelPaddingValue" in header:
        filled = stored == header.PixelPaddingValue
    if sample.pixels.dtype == np.float32:  # what every step and network takes
        expected = expected.astype(np.float32)
    np.testing.assert_array_equal(sample.pixels[~filled], expected[~filled])
    assert (sample.pixels[filled] == sample.range[0]).all()
    low, high = sample.range
    assert low <= sample.pixels.min()
    assert sample.pixels.max() <= high


@pytest.mark.parametrize("frame", [0, 60, 119])
def test_any_frame_of_a_film_equals_pydicoms(frame: int) -> None:
    film = item("color3d_jpeg_baseline.dcm")

    sample = only(film, frames=frame)

    np.testing.assert_array_equal(sample.pixels, by_pydicom(Path(film.uri), frame)[1])


@pytest.mark.parametrize(
    ("compressed", "plain"),
    [
        ("RG1_J2KR.dcm", "RG1_UNCR.dcm"),
        ("RG1_J2KI.dcm", "RG1_UNCI.dcm"),
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
        ("MR_small_RLE.dcm", "MR_small.dcm"),
        ("US1_J2KR.dcm", "US1_UNCR.dcm"),
    ],
)
def test_lossless_pairs_have_equal_samples(compressed: str, plain: str) -> None:
    one, other = only(item(compressed)), only(item(plain))

    np.testing.assert_array_equal(one.pixels, other.pixels)
    assert (one.range, one.facts["modality"]) == (other.range, other.facts["modality"])


@pytest.mark.parametrize(
    ("big", "little"),
    [
        ("OBXXXX1A_expb.dcm", "OBXXXX1A.dcm"),
        ("gdcm-US-ALOKA-16_big.dcm", "gdcm-US-ALOKA-16.dcm"),
    ],
)
def test_a_palette_in_big_endian_gives_the_colours_of_its_little_endian_copy(
    big: str, little: str
) -> None:
    np.testing.assert_array_equal(only(item(big)).pixels, only(item(little)).pixels)


def test_a_radiograph_in_monochrome1_shows_bone_bright_on_dark_air() -> None:
    unit = only(item("RG3_UNCR.dcm")).unit()[:, :, 0]

    ankle, air = unit[1400:1600, 700:900], unit[600:1200, 500:600]

    assert ankle.mean() > 0.6
    assert air.mean() < 0.2
