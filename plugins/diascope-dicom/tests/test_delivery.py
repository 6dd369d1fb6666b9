"""Which instances count as stored, and why a service does not have one."""

import json

import pytest
from pydicom import dcmread

from diascope_dicom.delivery import deliver
from diascope_dicom.service import create_client

JSON = "application/dicom+json"
STORED, REFUSED = "00081199", "00081198"


@pytest.fixture
def dataset(tomogram):
    return dcmread(tomogram)


def told(sequence, uid, reason=None):
    """Return a response that names an instance in one of its sequences."""
    item = {"00081155": {"vr": "UI", "Value": [str(uid)]}}
    if reason is not None:
        item["00081197"] = {"vr": "US", "Value": [reason]}
    return json.dumps({sequence: {"vr": "SQ", "Value": [item]}})


def delivered(pacs, dataset, status, body, kind=JSON):
    pacs.answers = [(status, kind, body)]
    return deliver(create_client(pacs.url), dataset)


def test_an_instance_named_in_the_response_is_stored_without_a_search(pacs, dataset):
    assert delivered(pacs, dataset, 200, told(STORED, dataset.SOPInstanceUID)) == ""
    assert pacs.searches == []


@pytest.mark.parametrize("kind", [f"{JSON}; charset=utf-8", "Application/JSON;charset=UTF-8"])
def test_a_refusal_is_recognised_whatever_the_content_type_parameters(pacs, dataset, kind):
    body = told(REFUSED, dataset.SOPInstanceUID, 0xA700)
    assert delivered(pacs, dataset, 202, body, kind) == "failure reason 0xa700"


def test_a_refusal_without_a_reason_is_a_refusal(pacs, dataset):
    body = told(REFUSED, dataset.SOPInstanceUID)
    assert delivered(pacs, dataset, 200, body) == "the service does not say why it refuses it"


@pytest.mark.parametrize(
    ("kind", "body"),
    [(JSON, ""), (JSON, "{}"), (JSON, "[]"), (JSON, "no JSON"), ("text/html", "<p>Thanks!")],
)
def test_a_search_decides_if_the_response_does_not_name_the_instance(pacs, dataset, kind, body):
    silent = "the service does not confirm that it stored it"
    assert delivered(pacs, dataset, 200, body, kind) == silent
    pacs.found_uids = ["1.2.3"]  # a service that ignores the filter
    assert delivered(pacs, dataset, 200, body, kind) == silent
    pacs.found_uids = [str(dataset.SOPInstanceUID)]
    assert delivered(pacs, dataset, 200, body, kind) == ""
    study, uid = dataset.StudyInstanceUID, dataset.SOPInstanceUID
    assert set(pacs.searches) == {f"/rs/studies/{study}/instances?SOPInstanceUID={uid}"}
    assert len(pacs.searches) == 3


def test_another_instance_in_the_response_does_not_count(pacs, dataset):
    assert delivered(pacs, dataset, 200, told(STORED, "1.2.3")) != ""


@pytest.mark.parametrize(
    ("status", "reason", "fault"),
    [
        (409, 0x0111, "HTTP 409, failure reason 0x0111"),
        (409, 45070, "HTTP 409, failure reason 0xb00e"),
        (409, None, "HTTP 409"),
        (202, 0x0111, "failure reason 0x0111"),
        (200, 45070, "failure reason 0xb00e"),
    ],
)
def test_a_duplicate_instance_is_not_a_failure(pacs, dataset, status, reason, fault):
    body = told(REFUSED, dataset.SOPInstanceUID, reason)
    assert delivered(pacs, dataset, status, body) == fault
    pacs.found_uids = [str(dataset.SOPInstanceUID)]
    assert delivered(pacs, dataset, status, body) == ""


def test_an_html_error_is_reported_by_its_status(pacs, dataset):
    assert delivered(pacs, dataset, 500, "<p>Sorry!", "text/html") == "HTTP 500"
    assert pacs.searches == []


def test_a_service_that_stays_busy_fails_one_instance(pacs, dataset):
    assert delivered(pacs, dataset, 429, "slow down") == "HTTP 429 after 4 attempts"
    assert len(pacs.posted) == 4
