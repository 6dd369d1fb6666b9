"""What a structured report says, read back by third-party tools."""

from dataclasses import replace

from highdicom.sr import srread
from pydicom import dcmread

from diascope_dicom.reports import DicomSr


def test_reading_back_with_highdicom_gives_the_scores(run, answer, radiograph, tmp_path):
    _, path = DicomSr().write(run, [answer(radiograph)], tmp_path)
    groups = srread(path).content.get_image_measurement_groups()
    read = {group.tracking_identifier: group.get_measurements()[0].value for group in groups}
    assert read == answer(radiograph).scores


def test_a_finding_holds_codes_threshold_decision_and_source(run, answer, radiograph, tmp_path):
    _, path = DicomSr().write(run, [answer(radiograph)], tmp_path)
    coded, private = srread(path).content.get_image_measurement_groups()
    finding = coded.finding_type
    other = finding.EquivalentCodeSequence[0]
    assert (finding.scheme_designator, finding.value) == ("SCT", "233604007")
    assert (other.CodingSchemeDesignator, other.CodeValue) == ("RADLEX", "RID5350")
    assert (private.finding_type.scheme_designator, private.finding_type.value) == (
        "99DIASCOPE",
        "fluid",
    )
    names = [[m.name.meaning for m in group.get_measurements()] for group in (coded, private)]
    points = [group.get_measurements()[1].value for group in (coded, private)]
    decisions = [group.get_qualitative_evaluations()[0].value.meaning for group in (coded, private)]
    assert names == [["Probability", "Threshold Value"]] * 2
    assert points == [0.31, 0.5]
    assert decisions == ["Present", "Absent"]
    source = dcmread(radiograph, stop_before_pixels=True)
    assert coded.source_images[0].referenced_sop_instance_uid == source.SOPInstanceUID


def test_an_uncalibrated_score_is_not_called_a_probability(run, answer, tomogram, tmp_path):
    softmax = replace(answer(tomogram), score_kind="softmax")
    _, path = DicomSr().write(run, [softmax], tmp_path)
    score = srread(path).content.get_image_measurement_groups()[0].get_measurements()[0]
    assert score.name.meaning == "Score (attribute)"
    assert score.method.value == "softmax"


def test_the_structured_report_names_weights_run_and_its_limits(run, answer, tomogram, tmp_path):
    _, path = DicomSr().write(run, [answer(tomogram)], tmp_path)
    content = path.read_bytes()
    for told in ("ab" * 32, "cd" * 32, "findings-model", "Youden", "Not a medical device"):
        assert told.encode() in content


def test_operating_points_of_a_multiclass_task_are_not_thresholds(run, answer, tomogram, tmp_path):
    card = run["card"] | {"task": "multiclass"}
    _, path = DicomSr().write(run | {"card": card}, [answer(tomogram)], tmp_path)
    groups = srread(path).content.get_image_measurement_groups()
    names = [[each.name.meaning for each in group.get_measurements()] for group in groups]
    assert names == [["Probability"]] * 2
    assert b"largest multiple of its operating point (pneumonia 0.31, fluid 1.0)" in (
        path.read_bytes()
    )


def test_dsr2html_renders_the_structured_report(run, answer, radiograph, tmp_path, tool):
    _, path = DicomSr().write(run, [answer(radiograph)], tmp_path)
    page = tool("dsr2html", "+U8", path)
    for told in ("Imaging Measurement Report", "Pneumonia", "Flüssigkeit", "Present", "Absent"):
        assert told in page


def test_a_share_of_tiles_is_reported_as_one(run, answer, tomogram, tmp_path):
    _, path = DicomSr().write(run, [answer(tomogram, score_kind="share")], tmp_path)
    score, threshold = srread(path).content.get_image_measurement_groups()[0].get_measurements()
    assert (score.method.value, threshold.value) == ("share", 0.5)
