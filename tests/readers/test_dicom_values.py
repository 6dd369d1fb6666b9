"""Processing the distinct values of a frame is bit-identical to processing its pixels."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from diascope.errors import ReadError
from diascope.readers import dicom_display
from diascope.readers.dicom_display import DisplayFrame, to_display
from diascope.readers.dicom_values import from_distinct_values, from_pixels
from tests.readers.dicoms import dataset

NUMBERS = st.floats(-5000, 5000).map(lambda number: float(f"{number:.4g}"))
SIZES = st.floats(0.001, 300).map(lambda number: float(f"{number:.4g}"))


def no_padding(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.zeros(values.shape, dtype=bool)


@st.composite
def tables(draw: st.DrawFn) -> Dataset:
    """A lookup table that is sometimes too short, which affects only some pixels."""
    made = Dataset()
    count, bits = draw(st.integers(2, 300)), draw(st.sampled_from([8, 10, 16]))
    made.LUTDescriptor = [count, draw(st.integers(0, 2000)), bits]
    short = draw(st.sampled_from([0, 0, 0, 1]))
    entries = np.random.default_rng(draw(st.integers(0, 9))).integers(0, 2**bits, count - short)
    made.add_new("LUTData", "US", entries.tolist())
    return made


@st.composite
def frames(draw: st.DrawFn) -> tuple[NDArray[Any], Dataset]:
    """A frame with more pixels than values, and a header with random display attributes."""
    bits, signed = draw(st.sampled_from([8, 10, 12, 16])), draw(st.booleans())
    low = -(2 ** (bits - 1)) if signed else 0
    first = draw(st.integers(low, low + 2**bits - 2))
    last = draw(st.integers(first + 1, low + 2**bits - 1))
    side = 20 if bits == 8 else 260
    dtype = np.dtype(f"{'i' if signed else 'u'}{1 if bits == 8 else 2}")
    random = np.random.default_rng(draw(st.integers(0, 99)))
    pixels = random.integers(first, last, (side, side), endpoint=True).astype(dtype)
    tags: dict[str, Any] = {
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PhotometricInterpretation": draw(st.sampled_from(["MONOCHROME1", "MONOCHROME2"])),
    }
    if draw(st.booleans()):
        tags["RescaleSlope"] = draw(SIZES) * draw(st.sampled_from([1, 1, -1]))
        tags["RescaleIntercept"] = draw(NUMBERS)
    elif draw(st.integers(0, 3)) == 0:
        tags["ModalityLUTSequence"] = [draw(tables())]
    if draw(st.booleans()):
        tags["WindowCenter"], tags["WindowWidth"] = draw(NUMBERS), draw(SIZES) * 50
        tags["VOILUTFunction"] = draw(st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]))
    elif draw(st.integers(0, 3)) == 0:
        tags["VOILUTSequence"] = [draw(tables())]
    if draw(st.booleans()):
        tags["PixelPaddingValue"] = draw(st.sampled_from([first, last, (first + last) // 2]))
        if draw(st.booleans()):
            tags["PixelPaddingRangeLimit"] = draw(st.integers(first, last))
    for tag in ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth"):
        if tag in tags:
            tags[tag] = f"{tags[tag]:.6g}"
    made = dataset(pixels, **{tag: tags[tag] for tag in tags if not tag.startswith("PixelPadd")})
    for tag in tags.keys() & {"PixelPaddingValue", "PixelPaddingRangeLimit"}:
        made.add_new(tag, "SS" if signed else "US", tags[tag])
    return pixels, made


def outcome(pixels: NDArray[Any], header: Dataset, window: Any) -> DisplayFrame | str:
    with np.errstate(all="ignore"):
        try:
            return to_display(pixels, header, window)
        except ReadError as error:
            return str(error)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=150)
@given(frames(), st.sampled_from(["first", "first", "none", "min-max"]))
def test_processing_distinct_values_equals_processing_pixels(
    made: tuple[NDArray[Any], Dataset], window: Any
) -> None:
    quick = outcome(*made, window)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dicom_display, "from_distinct_values", from_pixels)
        slow = outcome(*made, window)

    if isinstance(slow, str) or isinstance(quick, str):
        assert quick == slow
        return
    assert (quick.range, quick.trace, quick.pixels.dtype) == (
        slow.range,
        slow.trace,
        slow.pixels.dtype,
    )
    np.testing.assert_array_equal(quick.pixels, slow.pixels)


@pytest.mark.parametrize(
    ("dtype", "few"),
    [("u1", True), ("i1", True), ("u2", True), ("i2", True), ("u4", False), ("f4", False)],
)
def test_a_large_frame_of_up_to_16_bits_is_processed_by_value(dtype: str, few: bool) -> None:
    pixels = np.arange(90000).reshape(300, 300).astype(dtype)

    frame = from_distinct_values(pixels, no_padding)

    assert (frame.values.size < pixels.size) == few


def test_only_values_that_occur_in_a_large_frame_count() -> None:
    pixels = np.full((300, 300), 1000, np.uint16)
    pixels[0, :3], pixels[1, :2] = 0, 4000
    frame = from_distinct_values(pixels, lambda values: values == 0)

    results = frame.select_occurring(frame.values)
    assert (results.min(), results.max()) == (1000, 4000)
    assert frame.pixel_count(frame.values > 3000) == 2
    assert frame.pixel_count(frame.values < 4000) == 90000 - 3 - 2
    assert frame.padding_count() == 3


def test_a_small_frame_is_processed_by_pixel() -> None:
    pixels = np.arange(24, dtype=np.uint16).reshape(4, 6)

    assert from_distinct_values(pixels, no_padding).values is pixels


def test_unchanged_values_return_the_frame_itself() -> None:
    frame = from_distinct_values(np.arange(90000).reshape(300, 300).astype(np.uint16), no_padding)

    assert frame.to_image(frame.values.copy()) is frame.pixels
