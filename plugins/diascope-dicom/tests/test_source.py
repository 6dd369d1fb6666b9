"""What results take over from the file that was classified."""

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
def test_the_moment_of_a_result_is_its_source_s_and_never_the_clock_s(values, moment):
    source = Dataset()
    for keyword, value in values.items():
        setattr(source, keyword, value)
    assert content_moment(source) == moment
