"""Retrieved instances, and how they are kept."""

import tracemalloc

import pytest
from pydicom import dcmread

from diascope.errors import UsageError
from diascope.inputs import find_items
from diascope_dicom.filesystem import DicomwebFileSystem

LARGE = 32_000_000
FIRST, SECOND = (f"pacs/rs/studies/1/series/2/instances/{number}" for number in (3, 4))


@pytest.fixture
def retrieved(monkeypatch, tomogram):
    """The UIDs requested from a fake service, whose instances are large and contain their UID."""
    asked = []

    class Service:
        def retrieve_instance(self, study, series, instance):
            asked.append(instance)
            dataset = dcmread(tomogram)
            dataset.PatientID = instance
            dataset.PixelData = bytes(LARGE)
            return dataset

    monkeypatch.setattr("diascope_dicom.filesystem.create_client", lambda url: Service())
    return asked


def test_a_retrieved_instance_is_kept_on_disk_and_not_in_memory(retrieved):
    system = DicomwebFileSystem()
    tracemalloc.start()
    try:
        with system.open(FIRST) as file:
            assert len(dcmread(file).PixelData) == LARGE
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < LARGE / 4
    with system.open(FIRST) as file:
        assert dcmread(file).PatientID == "3"
    assert retrieved == ["3"]


def test_each_reader_has_its_own_position_until_it_is_closed(retrieved):
    system = DicomwebFileSystem()
    with system.open(FIRST) as one, system.open(FIRST) as other:
        one.seek(128)
        assert (one.read(4), other.tell()) == (b"DICM", 0)
        assert other.seek(-10, 2) > LARGE
        with system.open(SECOND) as next_:
            assert dcmread(next_).PatientID == "4"
        other.seek(0)
        assert dcmread(other).PatientID == "3"
        assert len(one.read()) > LARGE


def test_a_study_without_uid_does_not_list_the_whole_archive():
    with pytest.raises(UsageError, match="a variable of the shell"):
        list(find_items(["dicomweb://pacs.invalid/rs/studies/"]))


def test_a_slash_after_a_uid_changes_nothing(retrieved):
    with DicomwebFileSystem().open(f"dicomweb://{FIRST}/") as file:
        assert dcmread(file).PatientID == "3"
