"""A Secondary Capture: its picture and its caption."""

from dataclasses import replace

import pytest
from pydicom import dcmread

from diascope.privacy import BURNED_IN, redact_record
from diascope_dicom.picture import draw_explanation
from diascope_dicom.reports import DicomSc
from diascope_dicom.secondary_capture import secondary_capture
from diascope_dicom.source import read_source
from tests.runs import rows


@pytest.fixture
def caption_of(run, answer, tomogram, monkeypatch):
    """Return a function from the fields of an answer to the caption lines of its capture."""

    def caption_of(**fields):
        caption = []

        def draw(preview, evidence, lines):
            caption.extend(lines)
            return draw_explanation(preview, evidence, lines)

        monkeypatch.setattr("diascope_dicom.secondary_capture.draw_explanation", draw)
        given = answer(tomogram, **fields)
        list(secondary_capture(read_source(given.item), given, run))
        return caption

    return caption_of


def test_a_capture_first_states_that_it_is_not_a_medical_device(caption_of):
    lines = caption_of(warnings=("unlike the training",))
    assert lines[0].startswith("Not a medical device")
    assert "Pneumonia: present (probability 0.812)" in lines[1]
    assert lines[-1] == "unlike the training"


@pytest.mark.parametrize(
    ("kind", "score", "words"),
    [("softmax", 0.9997, ">0.999"), ("softmax", 1.0, "1.000"), ("logit", -3.25, "-3.25")],
)
def test_a_score_is_shown_as_1_only_if_it_is_exactly_1(caption_of, kind, score, words):
    scores = {"pneumonia": score, "fluid": 0.0}
    assert f"({kind} {words})" in caption_of(scores=scores, score_kind=kind)[1]


def test_a_title_that_the_font_cannot_show_is_replaced_by_the_name(caption_of, answer, tomogram):
    (evidence,) = answer(tomogram).evidence
    fluid = type(evidence)("fluid", evidence.map, 1.0, 0.0)
    assert caption_of(evidence=(fluid,))[1].startswith("fluid: absent")
    assert caption_of()[1].startswith("Pneumonia: present")


def test_the_capture_shows_the_map_and_says_that_it_is_lossy(run, answer, tomogram, tmp_path):
    _, path = DicomSc().write(run, [answer(tomogram)], tmp_path)
    result = dcmread(path)
    assert result.pixel_array.shape[1:] == (640, 3)
    assert result.LossyImageCompression == "01"
    source = dcmread(tomogram, stop_before_pixels=True)
    assert result.SourceImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID


def test_without_an_evidence_map_there_is_no_capture(run, answer, tomogram, tmp_path):
    DicomSc().write(run, [replace(answer(tomogram), evidence=())], tmp_path)
    (row,) = rows(tmp_path / "dicom-sc.csv")
    assert row["state"] == "left out"
    assert "evidence" in row["reason"]


def test_a_picture_withheld_by_a_strict_run_is_reported(run, answer, tomogram, tmp_path):
    burned = redact_record(answer(tomogram, warnings=(BURNED_IN,)))
    DicomSc().write(run | {"recipe": {"privacy": "strict"}}, [burned], tmp_path)
    assert "text is burned into its picture" in rows(tmp_path / "dicom-sc.csv")[0]["reason"]
