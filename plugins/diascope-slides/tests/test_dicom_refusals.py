"""DICOM slides that are not an 8-bit picture in one plane, and files that belong to a slide."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset

from diascope.errors import NoPictureError, ReadError
from diascope.sample import Item
from diascope_slides.backends.dicom import DicomSlide
from diascope_slides.reader import SlideReader

Make = Callable[..., Item]
READER = SlideReader(tile=64, tissue=0)


def items(*several: dict[str, Any]) -> list[Dataset]:
    """Return the items of a sequence."""
    made = [Dataset() for _ in several]
    for item, values in zip(made, several, strict=True):
        for keyword, value in values.items():
            setattr(item, keyword, value)
    return made


def refusal(item: Item) -> ReadError:
    with pytest.raises(ReadError) as caught:
        next(READER.read(item))
    return caught.value


@pytest.mark.parametrize("kind", ["LABEL", "OVERVIEW", "THUMBNAIL"])
def test_a_label_alone_is_skipped_as_it_is_beside_its_slide(make_dicom: Make, kind: str) -> None:
    alone = make_dicom("label.dcm", tiles=1, ImageType=["ORIGINAL", "PRIMARY", kind, "NONE"])
    reasons = [refusal(alone)]
    make_dicom()
    reasons.append(refusal(alone))

    assert [type(reason) for reason in reasons] == [NoPictureError, NoPictureError]
    assert {str(reason) for reason in reasons} == {
        f"its image type is {kind!r}: it belongs to a slide and is not one"
    }


def test_a_slide_without_image_type_is_not_skipped(make_dicom: Make) -> None:
    reason = refusal(make_dicom(ImageType=["ORIGINAL", "PRIMARY"]))

    assert not isinstance(reason, NoPictureError)


def test_more_than_8_bits_are_refused(make_dicom: Make) -> None:
    item = make_dicom(
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        BitsAllocated=16,
        BitsStored=16,
        HighBit=15,
        PixelData=np.full((4, 64, 64), 300, np.uint16).tobytes(),
    )

    assert str(refusal(item)) == "its values have 16 bits; only slides of 8 bits are supported"


@pytest.mark.parametrize("spacing", [{}, {"SpacingBetweenSlices": 0.001}])
def test_focal_planes_of_one_file_are_refused(make_dicom: Make, spacing: dict[str, float]) -> None:
    measures = items({"PixelSpacing": [0.0005, 0.0005], "SliceThickness": 0.001, **spacing})
    item = make_dicom(
        TotalPixelMatrixFocalPlanes=2,
        NumberOfFrames=8,
        PixelData=bytes(8 * 64 * 64 * 3),
        SharedFunctionalGroupsSequence=items({"PixelMeasuresSequence": measures}),
    )

    assert refusal(item).message == "it holds 2 focal planes"


def test_focal_planes_in_separate_files_are_refused(make_dicom: Make) -> None:
    first, *_ = [
        make_dicom(
            f"{number}.dcm",
            SOPInstanceUID=f"1.2.3.{number}",
            TotalPixelMatrixOriginSequence=items(
                {
                    "XOffsetInSlideCoordinateSystem": 0,
                    "YOffsetInSlideCoordinateSystem": 0,
                    "ZOffsetInSlideCoordinateSystem": number,
                }
            ),
        )
        for number in (1, 2)
    ]

    assert refusal(first).message == "it holds 2 focal planes"


def test_optical_paths_are_refused(make_dicom: Make) -> None:
    item = make_dicom(
        NumberOfOpticalPaths=2,
        OpticalPathSequence=items({"OpticalPathIdentifier": "1"}, {"OpticalPathIdentifier": "2"}),
        NumberOfFrames=8,
        PixelData=bytes(8 * 64 * 64 * 3),
    )

    assert refusal(item).message == "it holds 2 optical paths"


@pytest.fixture
def make_halves(make_dicom: Make) -> Make:
    """Return a function that writes a black slide in two files, and returns the first one."""

    def make(**values: Any) -> Item:
        places = [{f"{axis}OffsetInSlideCoordinateSystem": 0 for axis in "XYZ"} for _ in range(4)]
        for number, place in enumerate(places):
            place["RowPositionInTotalImagePixelMatrix"] = number // 2 * 64 + 1
            place["ColumnPositionInTotalImagePixelMatrix"] = number % 2 * 64 + 1
        frames = [{"PlanePositionSlideSequence": items(place)} for place in places]
        parts = {"ConcatenationUID": "1.9", "SOPInstanceUIDOfConcatenationSource": "1.8"}
        halves = [
            make_dicom(
                f"{start}.dcm",
                SOPInstanceUID=f"1.9.{start}",
                InConcatenationNumber=start // 2 + 1,
                ConcatenationFrameOffsetNumber=start,
                NumberOfFrames=2,
                PixelData=bytes(2 * 64 * 64 * 3),
                DimensionOrganizationType="TILED_SPARSE",
                PerFrameFunctionalGroupsSequence=items(*frames[start : start + 2]),
                **(parts | values),
            )
            for start in (0, 2)
        ]
        return halves[0]

    return make


def test_a_slide_in_two_files_is_read_as_a_whole(make_halves: Make) -> None:
    assert [sample.pixels.max() for sample in READER.read(make_halves())] == [0] * 4


@pytest.mark.parametrize("lacking", ["ImageType", "SOPInstanceUIDOfConcatenationSource"])
def test_a_slide_in_files_that_cannot_be_joined_fails_instead_of_being_half_white(
    make_halves: Make, lacking: str
) -> None:
    reason = refusal(make_halves(**{lacking: None}))

    assert reason.message.startswith("it is split into several files, which cannot be joined: ")
    assert f"{lacking} is missing" in reason.message


def test_the_completed_copy_of_a_slide_that_is_refused_is_deleted(
    make_halves: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slide, copies = make_halves(ImageType=None), tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(copies))

    with pytest.raises(ReadError, match="cannot be joined") as refused:
        DicomSlide(Path(slide.uri))

    assert refused.tb  # keeps the slide from being garbage, with which the copy would go
    assert not list(copies.iterdir())


@pytest.mark.parametrize("apart_mm", [0, 5])
def test_a_second_scan_in_the_series_is_refused(make_dicom: Make, apart_mm: int) -> None:
    origin = {"XOffsetInSlideCoordinateSystem": apart_mm, "YOffsetInSlideCoordinateSystem": 0}
    measures = items({"PixelSpacing": [0.0005, 0.0005], "SliceThickness": 0.001})
    larger = make_dicom(
        tiles=3,
        SharedFunctionalGroupsSequence=items({"PixelMeasuresSequence": measures}),
        TotalPixelMatrixOriginSequence=items(origin),
        ImageOrientationSlide=[0, -1, 0, -1, 0, 0],
    )
    make_dicom(
        "second.dcm",
        tiles=2,
        TotalPixelMatrixOriginSequence=items(origin | {"XOffsetInSlideCoordinateSystem": 0}),
        ImageOrientationSlide=[0, -1, 0, -1, 0, 0],
    )

    assert refusal(larger).message == "it holds 2 scans"
