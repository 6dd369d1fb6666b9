"""What counts as a copy of a picture, and what does not."""

import io
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from diascope.readers.image import ImageReader
from diascope.sample import Item, Sample
from diascope.table import read_table
from diascope.training.duplicates import find_copies, fingerprint

Pixels = NDArray[np.uint8]
HAM10000 = Path(__file__).parents[3] / "shared/data/derm/ham10000/labels.csv"


def scene(seed: int) -> Pixels:
    """Return 96 x 128 RGB of smooth random structure."""
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((128, 96), Image.Resampling.BICUBIC))


def sample(pixels: NDArray[np.generic]) -> Sample:
    return Sample(Item("a", "a"), pixels)


def found(*pictures: Pixels) -> list[tuple[int, ...]]:
    return find_copies([fingerprint(sample(picture)) for picture in pictures])


def compressed(pixels: Pixels) -> Pixels:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=30)
    return np.asarray(Image.open(content))


def halved(pixels: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(pixels).resize((64, 48), Image.Resampling.BILINEAR))


def brighter(pixels: Pixels) -> Pixels:
    return (pixels * 0.8 + 40).astype(np.uint8)


def noisy(pixels: Pixels) -> Pixels:
    noise = np.random.default_rng(1).normal(0, 6, pixels.shape)
    return (pixels + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("change", [np.copy, compressed, halved, brighter, noisy])
def test_a_changed_copy_is_found(change: Callable[[Pixels], Pixels]) -> None:
    assert found(scene(1), scene(2), change(scene(1))) == [(0, 2)]


def test_different_pictures_are_no_copies() -> None:
    assert found(*(scene(seed) for seed in range(40))) == []


def test_a_copy_of_a_copy_is_in_the_same_set() -> None:
    assert found(scene(3), scene(3), scene(4), noisy(scene(3)), scene(4)) == [(0, 1, 3), (2, 4)]


def test_blank_pictures_are_copies_only_if_they_are_equal() -> None:
    white, grey = np.full((8, 8, 3), 255, np.uint8), np.full((8, 8, 3), 90, np.uint8)
    assert found(white, grey, white) == [(0, 2)]


def test_blank_pictures_of_another_shape_are_no_copies() -> None:
    assert found(np.zeros((4, 16, 3), np.uint8), np.zeros((8, 8, 3), np.uint8)) == []


def test_a_picture_of_one_channel_and_of_other_numbers_is_compared() -> None:
    deep = scene(5)[:, :, :1].astype(np.uint16) * 16
    wide = Sample(Item("a", "a"), deep, range=(0, 4080))
    assert find_copies([fingerprint(wide), fingerprint(sample(scene(5)[:, :, :1]))]) == [(0, 1)]


def test_pictures_that_are_all_alike_are_compared_in_little_memory() -> None:
    one = fingerprint(sample(scene(1)))
    prints = [replace(one, digest=bytes([n % 256, n // 256])) for n in range(300)]
    tracemalloc.start()
    assert find_copies(prints) == [tuple(range(300))]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100e6  # of 45,000 pairs, each of two pictures of 4 kB


def test_no_pictures_have_no_copies() -> None:
    assert find_copies([]) == []


@pytest.mark.skipif(not HAM10000.is_file(), reason="HAM10000 is not here")
def test_in_real_pictures_copies_are_of_one_group() -> None:
    examples = read_table(HAM10000, "multiclass")[:600]
    read = ImageReader().read
    prints = [fingerprint(next(iter(read(Item(one.name, str(one.path)))))) for one in examples]

    sets = find_copies(prints)

    assert len(sets) >= 2
    assert all(len({examples[place].group for place in places}) == 1 for places in sets)
