"""Functional groups: what an enhanced object states for all frames or for a single one."""

from collections.abc import Callable
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from diascope.readers.dicom_frames import frame_header
from diascope.sample import Item
from tests.readers.dicoms import dataset, read, written

FILM = np.arange(2 * 4 * 6, dtype=np.uint16).reshape(2, 4, 6)


def holding(**tags: Any) -> Dataset:
    dicom = Dataset()
    for keyword, value in tags.items():
        setattr(dicom, keyword, value)
    return dicom


def enhanced() -> Dataset:
    """Return two frames of one spacing, each with its own rescale and window."""
    dicom = dataset(FILM)
    measures = holding(PixelSpacing=[0.5, 0.5])
    dicom.SharedFunctionalGroupsSequence = [holding(PixelMeasuresSequence=[measures])]
    dicom.PerFrameFunctionalGroupsSequence = [
        holding(
            PixelValueTransformationSequence=[holding(RescaleSlope=slope, RescaleIntercept=0)],
            FrameVOILUTSequence=[holding(WindowCenter=20 * slope, WindowWidth=40)],
        )
        for slope in (1, 2)
    ]
    return dicom


def test_each_frame_uses_the_rescale_and_window_of_its_own_group(
    make_item: Callable[..., Item],
) -> None:
    first, second = read(make_item(written(enhanced())))

    assert "window applied: center 20, width 40" in first.trace
    assert "rescaled: 2 x stored value +0" in second.trace
    assert "window applied: center 40, width 40" in second.trace
    assert first.spacing_mm == second.spacing_mm == (0.5, 0.5)


def test_functional_groups_of_one_frame_do_not_affect_the_next() -> None:
    header = enhanced()

    assert frame_header(header, 0).RescaleSlope == 1
    assert "RescaleSlope" not in header
    assert frame_header(header, 1).RescaleSlope == 2


def test_a_header_without_groups_is_returned_as_it_is() -> None:
    header = dataset(FILM)

    assert frame_header(header, 1) is header
