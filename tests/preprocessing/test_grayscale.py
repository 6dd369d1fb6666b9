"""Convert RGB to grey."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from diascope.preprocessing.grayscale import Grayscale
from diascope.sample import Item, Sample

ITEM = Item("a", "/a")
COLOURS = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)


def test_luma_is_pillows_to_one_level() -> None:
    found = Grayscale()(Sample(ITEM, COLOURS))
    peer = np.asarray(Image.fromarray(COLOURS).convert("L"))

    assert (found.pixels.shape, found.pixels.dtype) == ((9, 7, 1), np.uint8)
    assert np.abs(found.pixels[:, :, 0].astype(int) - peer).max() <= 1
    assert found.trace == ("RGB turned to grey",)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_grey_in_three_channels_keeps_its_values(dtype: Any) -> None:
    grey = np.repeat(COLOURS[:, :, :1].astype(dtype), 3, axis=2)

    assert np.array_equal(Grayscale()(Sample(ITEM, grey)).pixels, grey[:, :, :1])


def test_one_channel_stays_unchanged() -> None:
    sample = Sample(ITEM, COLOURS[:, :, :1])

    assert Grayscale()(sample) is sample
