"""Facts, spacing and remarks from DICOM headers."""

from collections.abc import Callable
from typing import Any

import pytest
from pydicom.dataset import Dataset

from diascope.readers.dicom_facts import facts, remarks, spacing
from diascope.sample import FACTS, Item
from tests.readers.dicoms import GREY, dataset, encoded, only

AT_DETECTOR = "at the detector: not corrected for magnification"


def header(**tags: Any) -> Dataset:
    return dataset(GREY, **tags)


def coded(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodeMeaning = value, meaning
    return code


def test_every_fact_comes_from_its_tag() -> None:
    found = facts(
        header(
            Modality="DX",
            BodyPartExamined="HAND",
            ViewPosition="PA",
            ImageLaterality="L",
            ImageType=["ORIGINAL", "PRIMARY", "OTHER"],
            PresentationIntentType="FOR PRESENTATION",
            BurnedInAnnotation="NO",
            PatientOrientation=["L", "F"],
            PresentationLUTShape="IDENTITY",
        )
    )

    assert set(found) == set(FACTS)
    assert found == {
        "modality": "DX",
        "body_part": "HAND",
        "view": "PA",
        "laterality": "L",
        "image_type": "ORIGINAL/PRIMARY",
        "intent": "FOR PRESENTATION",
        "burned_in": "NO",
        "orientation": r"L\F",
        "presentation_lut": "MONOCHROME2/IDENTITY",
    }


def test_absent_and_empty_tags_are_left_out() -> None:
    assert facts(header(Modality="", BodyPartExamined="")) == {}


@pytest.mark.parametrize(
    ("code", "view"),
    [
        (("272479007", "postero-anterior"), "PA"),
        (("R-10214", "postero-anterior"), "PA"),
        (("R-10206", "antero-posterior"), "AP"),
        (("399033003", "frontal"), "frontal"),
    ],
)
def test_a_coded_view_is_translated_to_a_term_of_view_position(
    code: tuple[str, str], view: str
) -> None:
    assert facts(header(ViewCodeSequence=[coded(*code)])) == {"view": view}


@pytest.mark.parametrize(
    ("stated", "view"), [("PA", "PA"), ("ap erect", "AP"), ("L-LAT", "L-LAT"), ("XX", "XX")]
)
def test_a_view_in_patient_position_is_found(stated: str, view: str) -> None:
    assert facts(header(PatientPosition=stated)) == {"view": view}


@pytest.mark.parametrize("stated", ["HFS", "FFDR", "ERECT", "SUPINE", "SEMI-ERECT", "STAND"])
def test_a_patient_position_is_not_a_view(stated: str) -> None:
    assert facts(header(PatientPosition=stated)) == {}


@pytest.mark.parametrize(
    ("tags", "millimetres", "said"),
    [
        ({"PixelSpacing": [0.2, 0.3]}, (0.2, 0.3), "by Pixel Spacing (0028,0030)"),
        ({"ImagerPixelSpacing": [0.1, 0.1]}, (0.1, 0.1), f"(0018,1164), {AT_DETECTOR}"),
        (
            {"PixelSpacing": [0.1, 0.1], "ImagerPixelSpacing": [0.1, 0.1]},
            (0.1, 0.1),
            f"(0028,0030), {AT_DETECTOR}",
        ),
        (
            {"PixelSpacing": [0.08, 0.08], "ImagerPixelSpacing": [0.1, 0.1]},
            (0.08, 0.08),
            "(0028,0030), calibrated",
        ),
        (
            {"PixelSpacing": [0.1, 0.1], "PixelSpacingCalibrationType": "FIDUCIAL"},
            (0.1, 0.1),
            "calibrated (FIDUCIAL)",
        ),
        (
            {"PixelSpacing": [0.1, 0.1], "PixelSpacingCalibrationType": "JANE DOE"},
            (0.1, 0.1),
            "(0028,0030), calibrated",
        ),
        ({"NominalScannedPixelSpacing": [0.4, 0.4]}, (0.4, 0.4), "of the film that was scanned"),
        ({"PixelSpacing": [0, 0]}, None, "unknown: Pixel Spacing (0028,0030) holds no two lengths"),
        ({}, None, "unknown: Pixel Spacing (0028,0030) is missing"),
    ],
)
def test_the_trace_states_the_source_of_the_spacing(
    tags: dict[str, Any], millimetres: tuple[float, float] | None, said: str
) -> None:
    found, origin = spacing(header(**tags))

    assert found == millimetres
    assert origin.endswith(said)


def test_overlays_burned_in_text_orientation_and_loss_are_remarked() -> None:
    dicom = header(BurnedInAnnotation="YES", LossyImageCompression="01", ICCProfile=b"any ")
    dicom.PatientOrientation = ["R", "H"]
    dicom.add_new(0x60000010, "US", 4)

    said = remarks(dicom)

    assert len(said) == 5
    assert r"Patient Orientation (0020,0020) is R\H: the picture stays as it lies" in said
    assert said[0] == "overlays (groups 6000 to 601E) are not drawn"
    assert remarks(header()) == remarks(header(PatientOrientation=["L", "F"])) == []


def test_no_identifying_attribute_leaves_the_header(make_item: Callable[..., Item]) -> None:
    mark = "MARKER"
    names = ("PatientName", "PatientID", "AccessionNumber", "InstitutionName", "OperatorsName")
    names += ("StudyDescription", "SeriesDescription", "PatientComments", "ImageComments")
    names += ("ProtocolName", "StationName", "DeviceSerialNumber", "PatientAddress", "StudyID")
    tags = dict.fromkeys(names, mark) | {"PatientBirthDate": "19010203"}

    sample = only(make_item(encoded(GREY, **tags)))

    said = " ".join([*sample.trace, *sample.facts.values()])
    assert mark not in said
    assert "1901" not in said
    assert "1.2.3" not in said


@pytest.mark.parametrize(
    "stated", [[], ["L"], ["L", ""], ["L", "F", "H"], ["LE", "V"], ["DOE", "JANE"], ["L F", "F"]]
)
def test_an_orientation_without_exactly_two_directions_is_ignored(stated: list[str]) -> None:
    assert facts(header(PatientOrientation=stated)) == {}
