"""Values of a header: absent, empty, several, or invalid."""

import io

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from diascope.errors import ReadError
from diascope.readers.dicom_tags import integer, number, numbers, tag_name, text, value, values
from tests.readers.dicoms import GREY, with_commas

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR DS")


def holding(keyword: str, vr: str, content: object) -> Dataset:
    dicom = Dataset()
    dicom.add_new(keyword, vr, content)
    return dicom


def test_a_tag_is_named_as_the_standard_prints_it() -> None:
    assert tag_name("Rows") == "Rows (0028,0010)"


@pytest.mark.parametrize("header", [Dataset(), holding("Modality", "CS", "")])
def test_absent_and_empty_are_the_same(header: Dataset) -> None:
    assert value(header, "Modality") is None
    assert values(header, "Modality") == []
    assert text(header, "Modality") == ""
    assert integer(header, "Modality") is None


def test_one_value_and_several_are_lists() -> None:
    assert values(holding("WindowCenter", "DS", "40"), "WindowCenter") == [40]
    assert values(holding("WindowCenter", "DS", ["40", "50"]), "WindowCenter") == [40, 50]


def test_text_is_the_first_value_stripped_of_white_space() -> None:
    assert text(holding("ImageType", "CS", ["DERIVED ", "PRIMARY"]), "ImageType") == "DERIVED"


def test_a_value_that_is_not_a_number_is_reported_but_not_quoted() -> None:
    with pytest.raises(ReadError) as raised:
        integer(holding("NumberOfFrames", "LO", "MARKER"), "NumberOfFrames")

    assert str(raised.value) == "Number of Frames (0028,0008) is not a whole number"


def test_a_decimal_comma_is_reported_as_not_a_number() -> None:
    header = dcmread(io.BytesIO(with_commas(GREY, RescaleSlope="0.75")))

    with pytest.raises(ReadError) as raised:
        number(header, "RescaleSlope")

    assert str(raised.value) == "Rescale Slope (0028,1053) is not a number"


@pytest.mark.parametrize("written", ["nan", "inf", "-inf", "1e400"])
def test_a_non_finite_value_is_reported_as_not_a_number(written: str) -> None:
    with pytest.raises(ReadError) as raised:
        number(holding("RescaleSlope", "DS", written), "RescaleSlope")

    assert str(raised.value) == "Rescale Slope (0028,1053) is not a number"


def test_one_number_is_distinguished_from_several_and_from_none() -> None:
    several = holding("WindowWidth", "DS", ["40", "50.5"])

    assert numbers(several, "WindowWidth") == [40, 50.5]
    assert numbers(Dataset(), "WindowWidth") == []
    assert number(Dataset(), "WindowWidth") is None
    with pytest.raises(ReadError, match=r"Window Width \(0028,1051\) holds 2 numbers, not one"):
        number(several, "WindowWidth")
