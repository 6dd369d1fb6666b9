"""Drawing the picture of an answer."""

from dataclasses import replace

import numpy as np

from diascope.sample import Evidence
from diascope_dicom.picture import draw_explanation, strongest_evidence


def evidence(values, label="a"):
    return Evidence(label, np.array(values, np.float32), 0.0, 0.0)


def test_evidence_for_the_label_is_orange_and_against_it_blue():
    grey = np.full((100, 200, 3), 128, np.uint8)
    picture = draw_explanation(grey, evidence([[1, 0, -1]]), ["words"])
    red, _, blue = picture[160, 20].astype(int)
    assert red > blue + 50
    assert picture[160, 320].tolist() == [128, 128, 128]
    red, _, blue = picture[160, 620].astype(int)
    assert blue > red + 50


def test_the_caption_is_below_the_picture_and_covers_none_of_it():
    grey = np.full((64, 64, 3), 128, np.uint8)
    picture = draw_explanation(grey, evidence([[0.0]]), ["Not a medical device."])
    assert (picture[:640] == 128).all()
    assert picture[640:].max() == 255
    assert len(draw_explanation(grey, evidence([[0.0]]), ["one", "two"])) > len(picture)


def test_the_strongest_map_is_that_of_the_highest_score(answer, tomogram):
    maps = (evidence([[1.0]], "fluid"), evidence([[2.0]], "pneumonia"))
    assert strongest_evidence(replace(answer(tomogram), evidence=maps)).label == "pneumonia"
    assert strongest_evidence(replace(answer(tomogram), evidence=())) is None


def test_a_predicted_label_comes_before_one_with_a_higher_score(answer, tomogram):
    maps = (evidence([[1.0]], "pneumonia"), evidence([[2.0]], "fluid"))
    decided = answer(tomogram, evidence=maps, predicted=("fluid",))
    assert strongest_evidence(decided).label == "fluid"
    assert strongest_evidence(replace(decided, predicted=())).label == "pneumonia"
