"""Structured reports and Secondary Captures as files, checked by third-party tools."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_charset_files

from diascope.errors import OutputError
from diascope.sample import Failed, Item
from diascope.testing import check_report
from diascope_dicom.reports import DicomSc, DicomSr
from diascope_dicom.results import results

REPORTS = {"dicom-sr": DicomSr(), "dicom-sc": DicomSc()}
SHARED = Path(__file__).parents[4] / "shared/data/dicom"


def rows(directory, name):
    with (directory / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def written(report, run, records, directory):
    return [dcmread(path) for path in report.write(run, records, directory)[1:]]


def errors(tool, path):
    messages = tool("dciodvfy", "-new", path)
    return [line for line in messages.splitlines() if line.startswith("Error")]


@pytest.mark.parametrize("name", REPORTS)
def test_the_report_keeps_its_contract(name, run, answer, tomogram):
    files = check_report(REPORTS[name], run, answer(tomogram))
    assert files[0] == Path(f"{name}.csv")
    assert files[1].parent == Path(name)


@pytest.mark.parametrize("name", REPORTS)
def test_dciodvfy_finds_no_error(name, run, answer, radiograph, tmp_path, tool):
    shared = sorted(SHARED.glob("*.dcm"))
    answers = [answer(path) for path in (radiograph, *shared)]
    files = REPORTS[name].write(run, answers, tmp_path)[1:]
    assert [row["state"] for row in rows(tmp_path, name)] == ["ok"] * len(answers)
    assert [error for path in files for error in errors(tool, path)] == []


@pytest.mark.parametrize("name", REPORTS)
def test_a_card_of_any_characters_gives_results_without_error(
    name, run, answer, radiograph, tmp_path, tool
):
    odd = "in\\out\tor\nneither"
    label = {"name": odd, "title": odd, "codes": {}, "operating_point": None}
    run["card"] |= {"name": odd, "operating_rule": odd, "labels": [label]}
    evidence = tuple(replace(each, label=odd) for each in answer(radiograph).evidence)
    fields = {"scores": {odd: 0.5}, "predicted": (odd,), "warnings": (odd,), "evidence": evidence}
    files = REPORTS[name].write(run, [answer(radiograph, **fields)], tmp_path)[1:]
    assert [row["state"] for row in rows(tmp_path, name)] == ["ok"]
    assert dcmread(files[0]).ManufacturerModelName == "in/out or neither"
    assert errors(tool, files[0]) == []


def test_another_decision_rule_gives_another_instance(run, answer, tomogram, tmp_path):
    records = [answer(tomogram)]
    (one,) = written(DicomSr(), run, records, tmp_path)
    other = run | {"card": run["card"] | {"operating_rule": "lowest cost"}}
    (two,) = written(DicomSr(), other, records, tmp_path)
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert one.SeriesInstanceUID == two.SeriesInstanceUID


def test_every_finding_carries_the_warnings(run, answer, tomogram, tmp_path, tool):
    warned = answer(tomogram, warnings=("unlike the pictures of the training",))
    _, path = DicomSr().write(run, [warned], tmp_path)
    assert path.read_bytes().count(b"unlike the pictures of the training") == 2
    assert errors(tool, path) == []


@pytest.mark.parametrize("name", REPORTS)
def test_the_same_input_and_run_give_the_same_bytes(name, run, answer, tomogram, tmp_path):
    kept = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        _, path = REPORTS[name].write(run, [answer(tomogram)], folder)
        kept.append((path.name, path.read_bytes()))
    assert kept[0] == kept[1]


@pytest.mark.parametrize("name", REPORTS)
def test_another_run_gives_another_instance_and_series(name, run, answer, tomogram, tmp_path):
    records = [answer(tomogram)]
    (one,) = written(REPORTS[name], run, records, tmp_path)
    (two,) = written(REPORTS[name], run | {"digest": "ef" * 32}, records, tmp_path)
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert one.SeriesInstanceUID != two.SeriesInstanceUID


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize(
    ("corrected", "same_series"),
    [
        ({"PatientName": "Corrected^Name"}, True),
        ({"AccessionNumber": "A5"}, True),
        ({"StudyDescription": "another"}, True),
        ({"PatientID": "another"}, False),
        ({"StudyInstanceUID": "1.2.3"}, False),
    ],
)
def test_a_source_with_a_corrected_header_gives_another_instance(
    name, corrected, same_series, run, answer, changed, tmp_path
):
    sources = (changed(), changed(**corrected))
    one, two = written(REPORTS[name], run, [answer(source) for source in sources], tmp_path)
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert two.file_meta.MediaStorageSOPInstanceUID == two.SOPInstanceUID
    assert (one.SeriesInstanceUID == two.SeriesInstanceUID) is same_series
    ((keyword, value),) = corrected.items()
    assert two[keyword].value == value


@pytest.mark.parametrize("name", REPORTS)
def test_files_that_share_a_uid_get_the_results_of_their_own_patient(
    name, run, answer, changed, tmp_path
):
    patients = ["1", "2", "1"]
    sources = [changed(PatientID=patient, SOPInstanceUID="1.2.3") for patient in patients]
    written(REPORTS[name], run, [answer(source) for source in sources], tmp_path)
    files = [row["file"] for row in rows(tmp_path, name)]
    assert [dcmread(tmp_path / file).PatientID for file in files] == patients
    assert files[0] == files[2]


def test_both_results_belong_to_the_study_of_their_source(run, answer, radiograph, tmp_path):
    source = dcmread(radiograph, stop_before_pixels=True)
    for report in REPORTS.values():
        (result,) = written(report, run, [answer(radiograph)], tmp_path)
        for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "StudyDescription"):
            assert result[keyword].value == source[keyword].value
        assert result.SeriesInstanceUID != source.SeriesInstanceUID


def test_names_in_other_scripts_survive(run, answer, tmp_path):
    source = get_charset_files("chrH31.dcm")[0]
    for report in REPORTS.values():
        (result,) = written(report, run, [answer(source)], tmp_path)
        assert result.SpecificCharacterSet == "ISO_IR 192"
        assert "山田^太郎" in str(result.PatientName)


def test_one_source_that_fails_does_not_stop_the_others(run, answer, changed, tomogram, tmp_path):
    words = tmp_path / "notes.txt"
    words.write_text("only words")
    sources = [words, changed(StudyInstanceUID=None), tomogram]
    records = [*map(answer, sources), Failed(Item("x", "x"), "read", "image", "truncated")]
    for name, report in REPORTS.items():
        report.write(run, records, tmp_path)
        assert [row["state"] for row in rows(tmp_path, name)] == ["left out", "failed", "ok"]
        assert rows(tmp_path, name)[1]["reason"] == "the file has no StudyInstanceUID"


@pytest.mark.parametrize("name", REPORTS)
def test_unreachable_sources_are_reported_by_the_run(name, run, answer, tomogram, tmp_path):
    records = [answer(tmp_path / "gone.dcm"), answer(tomogram)]
    with pytest.raises(OutputError, match=f"files of 1 answer could not be read, see {name}.csv"):
        REPORTS[name].write(run, records, tmp_path)
    assert [row["state"] for row in rows(tmp_path, name)] == ["failed", "ok"]
    assert (tmp_path / rows(tmp_path, name)[1]["file"]).exists()


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_invalid_values_are_removed(run, answer, changed, tmp_path, tool):
    odd = changed(PatientAge="81", StudyTime="11:20:00")
    for name, report in REPORTS.items():
        _, path = report.write(run, [answer(odd)], tmp_path)
        assert errors(tool, path) == [], name
        assert not dcmread(path).StudyTime


@pytest.mark.parametrize(
    "odd",
    [
        {"StudyDate": "20240101-20240102"},
        {"StudyDate": ["20240101", "20240102"]},
        {"ContentTime": ["1120", "1130"]},
        {"InstanceNumber": ["1", "2"]},
    ],
)
def test_ranges_and_second_values_are_removed(odd, run, answer, changed, tmp_path):
    for report in REPORTS.values():
        (result,) = written(report, run, [answer(changed(**odd))], tmp_path)
        assert not result.StudyDate or result.StudyDate == "20040119"


@pytest.mark.parametrize("keyword", ["PatientName", "ReferringPhysicianName", "PatientID"])
def test_a_backslash_in_a_name_is_copied(keyword, run, answer, changed, tmp_path):
    odd = changed(**{keyword: "Doe\\John"})
    assert b"Doe\\John" in odd.read_bytes()
    for report in REPORTS.values():
        _, path = report.write(run, [answer(odd)], tmp_path)
        assert b"Doe\\John" in path.read_bytes()


@pytest.mark.parametrize(
    ("characters", "encoding"), [("ISO_IR 192", "utf-8"), ("GB18030", "gb18030")]
)
def test_a_name_with_a_backslash_keeps_its_characters(
    characters, encoding, run, answer, changed, tmp_path
):
    name = "Wang^Xiao=王^小\\东"
    odd = changed(SpecificCharacterSet=characters, PatientName=name)
    assert name.encode(encoding) in odd.read_bytes()
    for report in REPORTS.values():
        _, path = report.write(run, [answer(odd)], tmp_path)
        assert name.encode() in path.read_bytes()


@pytest.mark.parametrize("as_vr", [b"SQ\0\0\4\0\0\0", b"LO\x08\0SEQU"])
def test_a_sequence_that_cannot_be_read_is_removed(as_vr, run, answer, changed, tmp_path):
    odd = changed(StudyDescription="SEQUENCE")
    text, sequence = b"\x08\0\x30\x10LO\x08\0SEQU", b"\x08\0\x10\x11" + as_vr
    odd.write_bytes(odd.read_bytes().replace(text, sequence))
    for report in REPORTS.values():
        (result,) = written(report, run, [answer(odd)], tmp_path)
        assert not result.get("ReferencedStudySequence")


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize(
    ("vr", "fault"), [("US", "is not text"), ("FD", "holds a value that violates the standard")]
)
def test_a_name_that_cannot_be_read_is_named_by_its_tag(vr, fault, run, answer, changed, tmp_path):
    odd = changed(PatientName="MARKER")
    odd.write_bytes(odd.read_bytes().replace(b"PN\x06\x00MARKER", f"{vr}\6\0MARKER".encode()))
    for name, report in REPORTS.items():
        report.write(run, [answer(odd)], tmp_path)
        reason = rows(tmp_path, name)[0]["reason"]
        assert reason.startswith(f"Patient's Name (0010,0010) {fault}")


def test_any_other_fault_of_the_header_is_named_without_its_value(run, answer, changed, tmp_path):
    def make(source, prediction, run):
        private = "in (0009,1001): 'MARKER' is no ImageOrientationSlide"
        raise TypeError(f"With tag (0028,0301) got exception {private}")

    (result,) = results(make, run, [answer(changed())])
    names = "Burned In Annotation (0028,0301), Image Orientation (Slide) (0048,0102)"
    assert result.reason == f"its header does not make a valid result (TypeError: {names})"


def test_numbers_stored_as_text_are_kept(run, answer, changed, tmp_path):
    numbered = answer(changed(InstanceNumber="17", PatientWeight="63.5"))
    for report in REPORTS.values():
        (result,) = written(report, run, [numbered], tmp_path)
        assert (result.InstanceNumber, result.PatientWeight) == (17, 63.5)


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_no_reason_warning_or_log_quotes_the_patient(
    run, answer, changed, tmp_path, caplog, recwarn
):
    odd = {"PatientName": "MARKER=^MARKER=MARKER=MARKER", "PatientBirthDate": "MARKER"}
    sources = [changed(**odd, StudyDate="20040101-20050101"), changed(**odd, PatientSex="MARKER")]
    caplog.clear()
    recwarn.clear()
    for name, report in REPORTS.items():
        report.write(run, [answer(source) for source in sources], tmp_path)
        assert "MARKER" not in (tmp_path / f"{name}.csv").read_text()
    assert "MARKER" not in caplog.text
    assert not recwarn.list


@pytest.mark.filterwarnings("ignore:Invalid value for VR", "ignore:The value length")
@pytest.mark.parametrize("odd", ["05fa52f0e5", "1..2", "1.2." + "3" * 61])
def test_an_identifier_that_is_not_a_uid_is_refused(run, answer, changed, tmp_path, odd):
    DicomSr().write(run, [answer(changed(StudyInstanceUID=odd))], tmp_path)
    reason = rows(tmp_path, "dicom-sr")[0]["reason"]
    assert reason == "not a valid UID, so results cannot refer to it: StudyInstanceUID"


def test_a_retired_class_is_refused_by_its_name(run, answer, changed, tmp_path):
    retired = changed(SOPClassUID="1.2.840.10008.5.1.4.1.1.6")
    DicomSr().write(run, [answer(retired)], tmp_path)
    assert "Ultrasound Image Storage" in rows(tmp_path, "dicom-sr")[0]["reason"]
