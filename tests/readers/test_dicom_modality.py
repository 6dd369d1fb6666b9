"""Rescale and modality LUT: from stored to measured values."""

import io

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from diascope.errors import ReadError
from diascope.readers.dicom_modality import apply_modality, possible_range
from tests.readers.dicoms import GREY, dataset, with_commas


def table(first: int, entries: list[int]) -> Dataset:
    dicom = Dataset()
    dicom.LUTDescriptor = [len(entries), first, 16]
    dicom.add_new("LUTData", "US", entries)
    return dicom


def test_a_rescale_is_applied_with_a_trace_line() -> None:
    trace: list[str] = []

    values = apply_modality(GREY, dataset(GREY, RescaleSlope=2, RescaleIntercept=-1000), trace)

    np.testing.assert_array_equal(values, GREY * 2.0 - 1000)
    assert trace == ["rescaled: 2 x stored value -1000"]


def test_an_identity_rescale_adds_no_trace_line() -> None:
    trace: list[str] = []

    values = apply_modality(GREY, dataset(GREY, RescaleSlope=1, RescaleIntercept=0), trace)

    np.testing.assert_array_equal(values, GREY)
    assert trace == []


@pytest.mark.parametrize("missing", ["Slope", "Intercept"])
def test_an_incomplete_rescale_is_ignored_and_the_missing_tag_reported(missing: str) -> None:
    trace: list[str] = []
    other = {"Slope": "Intercept", "Intercept": "Slope"}[missing]

    values = apply_modality(GREY, dataset(GREY, **{f"Rescale{other}": 3}), trace)

    np.testing.assert_array_equal(values, GREY)
    assert trace[0].startswith(f"Rescale {missing} (0028,105")
    assert trace[0].endswith("is missing: values are not rescaled")


def test_a_modality_lut_replaces_stored_values() -> None:
    trace: list[str] = []
    stored = np.array([[0, 1], [2, 9]], dtype=np.uint16)

    values = apply_modality(
        stored, dataset(stored, ModalityLUTSequence=[table(1, [10, 20])]), trace
    )

    np.testing.assert_array_equal(values, [[10, 10], [20, 20]])
    assert trace == ["modality LUT applied"]


def test_a_slope_of_zero_is_refused() -> None:
    with pytest.raises(ReadError, match=r"Rescale Slope \(0028,1053\) is 0"):
        apply_modality(GREY, dataset(GREY, RescaleSlope=0, RescaleIntercept=1), [])


@pytest.mark.filterwarnings("ignore:Invalid value for VR DS")
@pytest.mark.parametrize("part", ["Slope", "Intercept"])
def test_a_rescale_that_is_not_a_number_is_reported(part: str) -> None:
    tags = {"RescaleSlope": "1", "RescaleIntercept": "0"} | {f"Rescale{part}": "0.75"}
    header = dcmread(io.BytesIO(with_commas(GREY, **tags)))

    for reckon in (lambda: apply_modality(GREY, header, []), lambda: possible_range(header)):
        with pytest.raises(ReadError, match=rf"Rescale {part} \(0028,105\d\) is not a number"):
            reckon()


def test_a_broken_table_is_reported() -> None:
    broken = table(0, [1, 2, 3])
    del broken.LUTData

    with pytest.raises(ReadError, match=r"Modality LUT Sequence \(0028,3000\) cannot be applied"):
        apply_modality(GREY, dataset(GREY, ModalityLUTSequence=[broken]), [])


@pytest.mark.parametrize(
    ("tags", "ends"),
    [
        ({"BitsStored": 12}, (0, 4095)),
        ({"BitsStored": 12, "PixelRepresentation": 1}, (-2048, 2047)),
        ({"BitsStored": 8, "RescaleSlope": -2, "RescaleIntercept": 10}, (10, -500)),
        ({"ModalityLUTSequence": [table(0, [1, 2])]}, (0, 65535)),
        ({"BitsStored": None}, None),
    ],
)
def test_the_possible_values_follow_from_bits_sign_and_rescale(
    tags: dict[str, object], ends: tuple[float, float] | None
) -> None:
    assert possible_range(dataset(GREY, **tags)) == ends
