"""Values of a header: absent, empty, several, or against the standard."""

import pytest
from pydicom.dataset import Dataset

from diascope.errors import ReadError
from diascope.readers.dicom_tags import named, text, value, values, whole


def holding(keyword: str, vr: str, content: object) -> Dataset:
    made = Dataset()
    made.add_new(keyword, vr, content)
    return made


def test_a_tag_is_named_as_the_standard_prints_it() -> None:
    assert named("Rows") == "Rows (0028,0010)"


@pytest.mark.parametrize("header", [Dataset(), holding("Modality", "CS", "")])
def test_absent_and_empty_are_the_same(header: Dataset) -> None:
    assert value(header, "Modality") is None
    assert values(header, "Modality") == []
    assert text(header, "Modality") == ""
    assert whole(header, "Modality") is None


def test_one_value_and_several_are_lists() -> None:
    assert values(holding("WindowCenter", "DS", "40"), "WindowCenter") == [40]
    assert values(holding("WindowCenter", "DS", ["40", "50"]), "WindowCenter") == [40, 50]


def test_text_is_the_first_value_without_blanks() -> None:
    assert text(holding("ImageType", "CS", ["DERIVED ", "PRIMARY"]), "ImageType") == "DERIVED"


def test_what_is_no_number_is_named_and_not_quoted() -> None:
    with pytest.raises(ReadError) as raised:
        whole(holding("NumberOfFrames", "LO", "MARKER"), "NumberOfFrames")

    assert str(raised.value) == "Number of Frames (0028,0008) holds no whole number"
