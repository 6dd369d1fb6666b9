"""Parsing DICOMweb addresses and finding their instances."""

import pytest

from diascope_dicom.address import Address, find_instances
from diascope_dicom.service import create_client


def test_a_series_address_has_the_uids_of_study_and_series():
    address = Address.parse("pacs:8042/dicom-web/studies/1.2/series/3.4")
    assert address.base == "pacs:8042/dicom-web"
    assert address.level == "series"
    assert address.uids == {"studies": "1.2", "series": "3.4"}
    assert address.instance is None


def test_an_instance_address_has_all_uids():
    address = Address.parse("pacs/studies/1.2/series/3.4/instances/5.6")
    assert address.instance == ("1.2", "3.4", "5.6")


def test_a_query_searches_the_last_level():
    address = Address.parse("pacs/rs/studies/1.2/series?Modality=CR&limit=5")
    assert (address.level, dict(address.query)) == ("series", {"Modality": "CR", "limit": "5"})


@pytest.mark.parametrize(
    "text",
    [
        "pacs/rs",
        "studies/1.2",
        "pacs/studies/one",
        "pacs/series/1.2/studies/3.4",
        "pacs/studies/1.2?Modality=CR",
        "pacs/studies/1.2/frames/1",
        "pacs/series/3.4",
        "pacs/instances/5.6",
        "pacs/studies/1.2/instances/5.6",
        "pacs/series/3.4/instances?Modality=CR",
    ],
)
def test_a_malformed_address_is_refused(text):
    with pytest.raises(ValueError, match="expected HOST/PATH/studies"):
        Address.parse(text)


@pytest.mark.parametrize("text", ["pacs/studies/", "pacs/studies/1.2/series/", "pacs/studies?"])
def test_an_address_with_an_empty_uid_or_query_is_refused(text):
    with pytest.raises(ValueError, match="Was a variable of the shell not set"):
        Address.parse(text)


def test_a_slash_before_a_query_changes_nothing():
    assert Address.parse("pacs/studies/?Modality=CR") == Address.parse("pacs/studies?Modality=CR")


def test_a_service_that_ignores_offsets_is_queried_until_nothing_is_new(pacs):
    pacs.found_uids = ["3", "4"]
    found = find_instances(Address.parse("pacs/rs/studies/1/series/2"), create_client(pacs.url))
    assert list(found) == [("1", "2", "3"), ("1", "2", "4")]


@pytest.mark.parametrize("asked", ["studies", "series", "studies/1/series"])
def test_results_without_uids_do_not_lead_to_a_search_of_the_whole_archive(asked, pacs):
    pacs.found_uids = ["3"]
    with pytest.raises(ValueError, match="did not return"):
        list(find_instances(Address.parse(f"pacs/rs/{asked}?PatientID=1"), create_client(pacs.url)))
    assert len(pacs.searches) == 1
