"""Queries that a service would ignore in part are refused, and so are their answers."""

import pytest

from diascope_dicom.address import Address, find_instances
from diascope_dicom.query import parse_query
from diascope_dicom.service import create_client


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("", "nothing follows the question mark"),
        ("PatientID=", "PatientID has no value. Was a variable of the shell not set"),
        ("Modality=CR&PatientID", "PatientID has no value"),
        ("Modality=CR&Modality=DX", "Modality is given twice"),
        ("Modality=CR&limit=some", "limit must be a whole number, got 'some'"),
    ],
)
def test_an_incomplete_query_is_refused(query, fault):
    with pytest.raises(ValueError, match=fault):
        parse_query(query)


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("PatientId", "PatientID"),
        ("Limit", "limit"),
        ("ModalityInStudy", "ModalitiesInStudy"),
        ("RequestAttributesSequence.StudyInstanceUid", "StudyInstanceUID"),
    ],
)
def test_an_unknown_key_is_refused_with_the_most_similar_name(key, meant):
    with pytest.raises(ValueError, match=f"no keyword or tag of DICOM.* Did you mean '{meant}'"):
        parse_query(f"{key}=1")


@pytest.mark.parametrize("key", ["0010020", "00100020.", ".PatientID", "(0010,0020)", "xyzzy"])
def test_a_malformed_key_is_refused(key):
    with pytest.raises(ValueError, match="no keyword or tag of DICOM") as raised:
        parse_query(f"{key}=1")
    assert "''?" not in str(raised.value)


@pytest.mark.parametrize(
    "key",
    [
        "PatientID",
        "00100020",
        "0009100a",
        "RequestAttributesSequence.StudyInstanceUID",
        "00400275.0020000D",
        "fuzzymatching",
        "includefield",
    ],
)
def test_a_key_of_the_standard_is_accepted(key):
    assert parse_query(f"{key}=1") == {key: "1"}


def answer(pacs, query, vr="LO", value="1", tag="00100020"):
    """Return what a search finds whose answers all have one attribute."""
    uids = ("0020000D", "0020000E")
    pacs.found_uids = ["3"]
    pacs.found_attributes = {uid: {"vr": "UI", "Value": [uid[-1]]} for uid in uids}
    pacs.found_attributes[tag] = {"vr": vr} | ({"Value": [value]} if value else {})
    return list(
        find_instances(Address.parse(f"pacs/rs/instances?{query}"), create_client(pacs.url))
    )


@pytest.mark.parametrize("key", ["PatientID", "00100020"])
def test_a_service_that_ignores_a_known_key_is_refused(pacs, key):
    with pytest.raises(ValueError, match=f"the service ignores {key}") as raised:
        answer(pacs, f"Modality=CR&{key}=NOSUCH", value="SECRET")
    assert "SECRET" not in str(raised.value)


@pytest.mark.parametrize(
    ("query", "vr", "value", "tag"),
    [
        ("PatientID=abc", "LO", "ABC ", "00100020"),
        ("PatientID=A*", "LO", "ABC", "00100020"),
        ("PatientID=A,B", "LO", "B", "00100020"),
        ("PatientID=A", "LO", None, "00100020"),
        ("PatientID=A", "LO", "B", "00100021"),
        ("InstanceNumber=5", "IS", 5, "00200013"),
        ("InstanceNumber=05", "IS", 5.0, "00200013"),
        ("StudyDate=20240101-20240131", "DA", "20240115", "00080020"),
        ("PatientName=Doe", "PN", {"Alphabetic": "DOE^JANE"}, "00100010"),
    ],
)
def test_an_answer_that_fits_or_cannot_be_compared_is_accepted(pacs, query, vr, value, tag):
    assert answer(pacs, query, vr, value, tag) == [("D", "E", "3")]
