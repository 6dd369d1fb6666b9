"""Whole runs: pictures in, DICOM results beside the tables."""

import csv
import json
import shutil

import pytest
from highdicom.sr import srread
from pydicom import dcmread

from diascope import runner
from diascope.card import Label
from diascope.pipeline import compose
from diascope.recipe import read_recipe
from diascope.runner import RunRequest
from diascope.runner import run as carry_out
from tests.conftest import make_card as make_card
from tests.conftest import make_weights as make_weights
from tests.runs import REFERENCE, write_recipe


@pytest.fixture
def recipe(tmp_path, make_card, make_weights):
    """A recipe of a tiny network for two findings, with fresh weights."""
    labels = (Label("one", "One", {"SCT": "233604007"}, 0.1), Label("two", "Two"))
    card = make_card(task="multilabel", labels=labels, size=(32, 32), score_kind="sigmoid")
    folder, _ = make_weights(card)
    run = {"workers": 0, "device": "cpu", "evidence": "all"} | REFERENCE
    report = ["csv", "dicom-sr", "dicom-sc"]
    return write_recipe(tmp_path / "recipe.yaml", folder, report=report, run=run)


def done(recipe, inputs, output):
    outcome = carry_out(
        compose(read_recipe(str(recipe))), RunRequest(inputs, output), lambda *_: None
    )
    assert outcome.problems == []
    return outcome


def test_the_structured_report_holds_the_scores_of_the_table(recipe, radiograph, tmp_path):
    output = tmp_path / "out"
    done(recipe, [str(radiograph)], output)
    with (output / "predictions.csv").open() as file:
        (row,) = csv.DictReader(file)
    (path,) = (output / "dicom-sr").iterdir()
    groups = srread(path).content.get_image_measurement_groups()
    for group in groups:
        score = group.get_measurements()[0].value
        assert repr(score) == row[f"score.{group.tracking_identifier}"]
    (picture,) = (output / "dicom-sc").iterdir()
    assert dcmread(picture).StudyInstanceUID == dcmread(path).StudyInstanceUID
    assert json.loads((output / "run.json").read_text())["versions"]["diascope-dicom"] == "0.1.0"


def test_two_runs_write_the_same_files(recipe, radiograph, tmp_path):
    kept = []
    for name in ("a", "b"):
        done(recipe, [str(radiograph)], tmp_path / name)
        files = sorted((tmp_path / name).glob("dicom-*/*.dcm"))
        kept.append({path.name: path.read_bytes() for path in files})
    assert kept[0] == kept[1]
    assert len(kept[0]) == 2


def test_a_study_in_orthanc_is_an_input(recipe, tomogram, open_orthanc, tmp_path):
    from diascope_dicom.service import create_client

    source = dcmread(tomogram)
    create_client(open_orthanc.url).store_instances([source])
    series = f"studies/{source.StudyInstanceUID}/series/{source.SeriesInstanceUID}"
    uri = f"dicomweb://{open_orthanc.host}/dicom-web/{series}"
    outcome = done(recipe, [uri], tmp_path / "out")
    assert outcome.counts["ok"] == 1
    assert len(list((tmp_path / "out").glob("dicom-*/*.dcm"))) == 2


def test_an_answer_is_not_filed_under_the_patient_of_a_file_that_replaced_its_own(
    recipe, tomogram, changed, tmp_path, monkeypatch
):
    picture, output = tmp_path / "in" / "IM1.dcm", tmp_path / "out"
    other = changed(PatientID="another", SOPInstanceUID="1.2.3")
    picture.parent.mkdir()
    shutil.copyfile(tomogram, picture)
    write = runner.write_reports

    def exchanged(*given):
        shutil.copyfile(other, picture)
        return write(*given)

    with monkeypatch.context() as patch:
        patch.setattr(runner, "write_reports", exchanged)
        request = RunRequest([str(picture)], output)
        problems = carry_out(compose(read_recipe(str(recipe))), request, lambda *_: None).problems
    assert len(problems) == 2
    assert "has changed since it was found" in (output / "dicom-sr.csv").read_text()
    assert list(output.glob("dicom-*/*.dcm")) == []

    done(recipe, [str(picture)], output)
    patients = [dcmread(path).PatientID for path in output.glob("dicom-*/*.dcm")]
    assert patients == ["another", "another"]
