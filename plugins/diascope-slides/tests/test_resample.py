"""Resampling a part of a slide equals that part of the resampled whole slide."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from diascope.errors import ReadError
from diascope_slides import resample as module
from diascope_slides.resample import Box, resample

NOISE = np.random.default_rng(3).integers(0, 256, (240, 300, 3), dtype=np.uint8)
Make = Callable[..., Any]


def by_pillow(width: int, height: int) -> np.ndarray:
    return np.asarray(Image.fromarray(NOISE).resize((width, height), Image.Resampling.BILINEAR))


def test_pixels_at_their_own_scale_stay_unchanged(array_slide: Make) -> None:
    cut = resample(array_slide(NOISE), 0, Box(30, 20, 130, 90), (70, 100))

    assert np.array_equal(cut, NOISE[20:90, 30:130])


@pytest.mark.parametrize(("width", "height"), [(100, 80), (131, 97), (450, 360)])
def test_a_part_equals_that_part_of_the_whole_picture_resized(
    array_slide: Make, width: int, height: int
) -> None:
    across, down = 300 / width, 240 / height
    box = Box(40 * across, 30 * down, 90 * across, 75 * down)
    cut = resample(array_slide(NOISE), 0, box, (45, 50))

    assert np.abs(cut.astype(int) - by_pillow(width, height)[30:75, 40:90]).max() <= 1


def test_a_large_part_is_read_in_pieces_that_join_without_a_seam(
    array_slide: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Box(0, 0, 300, 240)
    at_once = resample(array_slide(NOISE), 0, whole, (97, 131))
    monkeypatch.setattr(module, "_MAX_PIXELS", 5000)
    slide = array_slide(NOISE)
    in_pieces = resample(slide, 0, whole, (97, 131))

    assert np.abs(at_once.astype(int) - in_pieces).max() <= 1
    assert max(width * height for *_, width, height in slide.reads) < 10_000


def test_a_box_that_ends_just_outside_repeats_the_edge(array_slide: Make) -> None:
    flat = np.full((10, 10, 3), 77, np.uint8)

    assert (resample(array_slide(flat), 0, Box(6, 6, 12, 12), (2, 2)) == 77).all()


def test_a_damaged_level_is_reported_with_the_position(array_slide: Make) -> None:
    slide = array_slide(NOISE)
    slide.region = lambda *_: (_ for _ in ()).throw(OSError("no  more\nbytes"))

    with pytest.raises(ReadError, match=r"level 0 .* at x=10, y=20 .*: no more bytes"):
        resample(slide, 0, Box(10, 20, 30, 40), (20, 20))
