"""What results take from the header of the classified file."""

import pytest
from pydicom import Dataset

from diascope_dicom.source import content_moment


@pytest.mark.parametrize(
    ("values", "moment"),
    [
        ({"StudyDate": "20010101", "ContentDate": "20020202"}, ("20020202", "000000")),
        ({"StudyDate": "20010101", "AcquisitionDate": "20020202"}, ("20020202", "000000")),
        ({"StudyDate": "20010101", "SeriesDate": "20020202"}, ("20020202", "000000")),
        ({"StudyDate": "20010101", "StudyTime": "112000"}, ("20010101", "112000")),
        ({"StudyTime": "112000"}, ("19000101", "000000")),
    ],
)
def test_the_content_date_and_time_are_those_of_the_source(values, moment):
    source = Dataset()
    for keyword, value in values.items():
        setattr(source, keyword, value)
    assert content_moment(source) == moment
