"""What a DICOMweb address means."""

import pytest

from diascope_dicom.address import Address


def test_a_series_is_named_by_its_study_and_itself():
    address = Address.read("pacs:8042/dicom-web/studies/1.2/series/3.4")
    assert address.base == "pacs:8042/dicom-web"
    assert address.level == "series"
    assert address.uids == {"studies": "1.2", "series": "3.4"}
    assert address.instance is None


def test_an_instance_is_named_in_full():
    address = Address.read("pacs/studies/1.2/series/3.4/instances/5.6")
    assert address.instance == ("1.2", "3.4", "5.6")


def test_a_query_goes_to_the_last_level():
    address = Address.read("pacs/rs/studies/1.2/series?Modality=CR&limit=5")
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
def test_what_means_nothing_is_refused(text):
    with pytest.raises(ValueError, match="expected HOST/PATH/studies"):
        Address.read(text)
