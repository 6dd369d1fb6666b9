"""The caption of a Secondary Capture."""

import pytest

from diascope_dicom.picture import draw_explanation
from diascope_dicom.secondary_capture import secondary_capture
from diascope_dicom.source import read_source


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
