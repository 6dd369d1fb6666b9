"""What a Sample keeps when its pixels change."""

from typing import Any

import numpy as np
import pytest

from diascope.sample import Item, Sample


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.uint32, np.float32])
def test_black_and_white_keep_their_numbers_when_a_picture_is_repainted(dtype: Any) -> None:
    whole = np.issubdtype(dtype, np.integer)
    low, high = (np.iinfo(dtype).min, np.iinfo(dtype).max) if whole else (0, 1)
    pixels = np.array([[[low], [high]]], dtype)
    sample = Sample(Item("a", "/a"), pixels, range=(float(low), float(high)))
    painted = sample.repainted(sample.unit(), "repainted as it was")
    np.testing.assert_array_equal(painted.pixels, pixels)
    assert (painted.pixels.dtype, painted.range) == (pixels.dtype, sample.range)
