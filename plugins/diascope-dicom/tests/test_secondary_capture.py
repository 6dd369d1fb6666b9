"""The caption of a Secondary Capture."""

import pytest

from diascope_dicom.picture import draw_explanation
from diascope_dicom.secondary_capture import secondary_capture
from diascope_dicom.source import read_source


@pytest.fixture
def said(run, answer, tomogram, monkeypatch):
    """Return a function from the fields of an answer to the caption lines of its capture."""

    def said(**fields):
        told = []

        def draw(preview, evidence, lines):
            told.extend(lines)
            return draw_explanation(preview, evidence, lines)

        monkeypatch.setattr("diascope_dicom.secondary_capture.draw_explanation", draw)
        given = answer(tomogram, **fields)
        list(secondary_capture(read_source(given.item), given, run))
        return told

    return said


def test_a_capture_first_states_that_it_is_not_a_medical_device(said):
    told = said(warnings=("unlike the training",))
    assert told[0].startswith("Not a medical device")
    assert "Pneumonia: present (probability 0.812)" in told[1]
    assert told[-1] == "unlike the training"


@pytest.mark.parametrize(
    ("kind", "score", "words"),
    [("softmax", 0.9997, ">0.999"), ("softmax", 1.0, "1.000"), ("logit", -3.25, "-3.25")],
)
def test_a_score_is_shown_as_1_only_if_it_is_exactly_1(said, kind, score, words):
    scores = {"pneumonia": score, "fluid": 0.0}
    assert f"({kind} {words})" in said(scores=scores, score_kind=kind)[1]


def test_a_title_that_the_font_cannot_show_is_replaced_by_the_name(said, answer, tomogram):
    (evidence,) = answer(tomogram).evidence
    fluid = type(evidence)("fluid", evidence.map, 1.0, 0.0)
    assert said(evidence=(fluid,))[1].startswith("fluid: absent")
    assert said()[1].startswith("Pneumonia: present")
