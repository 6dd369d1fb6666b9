"""A real Orthanc: results go in, pictures and results come out."""

import csv
import logging
import subprocess
import sys
from traceback import format_exception

import pytest
from pydicom import dcmread

from diascope.errors import OutputError, UsageError
from diascope.inputs import find_items
from diascope_dicom.reports import DicomSc, DicomSr
from diascope_dicom.service import create_client
from diascope_dicom.store import DicomwebStore


@pytest.fixture
def stored(open_orthanc, radiograph, tomogram):
    """The headers of a radiograph and a CT slice that are stored in Orthanc."""
    datasets = [dcmread(path) for path in (radiograph, tomogram)]
    create_client(open_orthanc.url).store_instances(datasets)
    return datasets


def found(uri):
    return sorted(find_items([uri]), key=lambda entry: entry.item.id)


def read(entry):
    with entry.item.open() as file:
        return dcmread(file)


def test_results_stored_by_stow_are_retrieved_unchanged(
    run, answer, radiograph, open_orthanc, stored, tmp_path
):
    store = DicomwebStore(open_orthanc.url)
    for _ in range(2):  # duplicates are not failures
        (table,) = store.write(run, [answer(radiograph)], tmp_path)
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["kind"], row["state"]) for row in rows] == [("sr", "ok"), ("sc", "ok")]
    written = {
        path.stem: dcmread(path)
        for report in (DicomSr(), DicomSc())
        for path in report.write(run, [answer(radiograph)], tmp_path)[1:]
    }
    assert {row["sop_instance_uid"] for row in rows} == set(written)
    study = f"dicomweb://{open_orthanc.host}/dicom-web/studies/{stored[0].StudyInstanceUID}"
    returned = {data.SOPInstanceUID: data for data in map(read, found(study))}
    assert all(returned[uid] == data for uid, data in written.items())


def test_results_of_a_corrected_patient_are_stored_beside_the_old_ones(
    run, answer, changed, open_orthanc, tmp_path
):
    corrected = {"PatientID": "corrected", "StudyInstanceUID": "1.2.3.4.5"}
    store = DicomwebStore(open_orthanc.url, send=("sr",))
    store.write(run, [answer(changed()), answer(changed(**corrected))], tmp_path)
    with (tmp_path / store.file).open() as file:
        uids = [row["sop_instance_uid"] for row in csv.DictReader(file)]
    base = f"dicomweb://{open_orthanc.host}/dicom-web"
    results = [read(*found(f"{base}/instances?SOPInstanceUID={uid}")) for uid in uids]
    assert [each.PatientID for each in results] == ["1CT1", "corrected"]


def test_orthanc_takes_results_by_c_store(run, answer, tomogram, open_orthanc, tmp_path, tool):
    for report in (DicomSr(), DicomSc()):
        path = report.write(run, [answer(tomogram)], tmp_path)[1]
        assert tool("storescu", "-aec", "ORTHANC", "localhost", open_orthanc.port, path) == ""


def test_a_series_a_query_and_an_instance_are_inputs(open_orthanc, stored):
    base = f"dicomweb://{open_orthanc.host}/dicom-web"
    slice_ = stored[1]
    series = f"{base}/studies/{slice_.StudyInstanceUID}/series/{slice_.SeriesInstanceUID}"
    for uri in (
        series,
        f"{base}/studies?PatientID={slice_.PatientID}",
        f"{base}/series?Modality=CT",
        f"{series}/instances/{slice_.SOPInstanceUID}",
    ):
        by_uid = {read(entry).SOPInstanceUID: read(entry) for entry in found(uri)}
        assert by_uid[slice_.SOPInstanceUID] == slice_, uri


def test_the_id_of_an_instance_follows_its_study_and_its_stamp_is_stable(open_orthanc, stored):
    data = stored[1]
    study = f"dicomweb://{open_orthanc.host}/dicom-web/studies/{data.StudyInstanceUID}"
    ids = [entry.item.id for entry in found(study)]
    assert f"series/{data.SeriesInstanceUID}/instances/{data.SOPInstanceUID}" in ids
    assert found(study) == found(study)


def test_reading_an_instance_twice_retrieves_it_once(open_orthanc, stored, caplog):
    caplog.set_level(logging.INFO, "dicomweb_client")
    entry = found(f"dicomweb://{open_orthanc.host}/dicom-web/instances?Modality=CT")[0]
    assert read(entry) == read(entry)
    assert caplog.text.count("retrieve instance") == 1


def test_a_missing_instance_is_reported(open_orthanc):
    base = f"dicomweb://{open_orthanc.host}/dicom-web"
    with pytest.raises(UsageError, match="there is nothing"):
        found(f"{base}/studies/1.2.3")
    with pytest.raises(UsageError, match="cannot be reached"):
        found("dicomweb://127.0.0.1:9/dicom-web/studies/1.2.3")


def test_orthanc_denies_access_without_credentials(run, answer, tomogram, locked_orthanc, tmp_path):
    with pytest.raises(OutputError, match="DIASCOPE_DICOMWEB_USER"):
        DicomwebStore(locked_orthanc.url).write(run, [answer(tomogram)], tmp_path)
    with pytest.raises(UsageError, match="DIASCOPE_DICOMWEB_USER"):
        found(f"dicomweb://{locked_orthanc.host}/dicom-web/studies")


def test_credentials_give_access_and_are_never_printed(
    run, answer, tomogram, locked_orthanc, tmp_path, monkeypatch, caplog
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("DIASCOPE_DICOMWEB_USER", "alice")
    monkeypatch.setenv("DIASCOPE_DICOMWEB_PASSWORD", "s3cret")
    DicomwebStore(locked_orthanc.url).write(run, [answer(tomogram)], tmp_path)
    entries = found(f"dicomweb://{locked_orthanc.host}/dicom-web/studies")
    assert {read(entry).Modality for entry in entries} == {"SR", "OT"}
    monkeypatch.setenv("DIASCOPE_DICOMWEB_PASSWORD", "s3cret-but-wrong")
    with pytest.raises(OutputError, match="denies access") as raised:
        DicomwebStore(locked_orthanc.url).write(run, [answer(tomogram)], tmp_path)
    texts = [caplog.text, "".join(format_exception(raised.value)), str(entries)]
    texts += [path.read_text() for path in tmp_path.glob("*.csv")]
    assert not any(secret in text for text in texts for secret in ("s3cret", "YWxpY2U6"))


def test_netrc_gives_access(locked_orthanc, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine localhost login alice password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert create_client(locked_orthanc.url).search_for_studies() is not None


def test_fsspec_registers_the_schemes_without_importing_pydicom():
    code = "import sys, fsspec; print(fsspec.available_protocols()); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert "'dicomweb'" in done
    assert "'dicomweb+http'" in done
    assert "pydicom" not in done
