"""Resize a picture to the input size of the network."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from skimage.transform import resize as reference

from diascope.preprocessing.resize import Resize
from diascope.sample import Sample

Make = Callable[..., Sample]


def test_a_number_is_the_side_of_a_square(make_sample: Make, smooth: np.ndarray) -> None:
    assert Resize(40)(make_sample(smooth)).pixels.shape == (40, 40, 3)


def test_a_pair_is_height_and_width(make_sample: Make, smooth: np.ndarray) -> None:
    assert Resize((30, 50))(make_sample(smooth)).pixels.shape == (30, 50, 3)


@pytest.mark.parametrize("size", [(24, 30), (48, 80), (192, 240), (17, 200)])
def test_squash_is_close_to_scikit_image_on_a_smooth_picture(
    make_sample: Make, smooth: np.ndarray, size: tuple[int, int]
) -> None:
    ours = Resize(size)(make_sample(smooth)).pixels
    theirs = reference(smooth, size, order=1, anti_aliasing=True, preserve_range=True, mode="edge")

    assert np.abs(ours - theirs).mean() < 1.5
    assert np.abs(ours - theirs).max() < 12


def test_shrinking_averages_the_pixels_in_between(make_sample: Make) -> None:
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)[:, :, None]
    small = Resize(8)(make_sample(board)).pixels

    assert np.abs(small.astype(int) - 127).max() < 6


def test_crop_keeps_the_aspect_and_the_middle(make_sample: Make) -> None:
    wide = np.zeros((20, 60, 1), np.uint8)
    wide[:, 20:40] = 200
    cropped = Resize(20, fit="crop")(make_sample(wide)).pixels

    assert cropped.shape == (20, 20, 1)
    assert (cropped == 200).all()


def test_pad_keeps_the_aspect_and_fills_both_sides_with_black(make_sample: Make) -> None:
    wide = np.full((20, 60, 1), 200, np.uint8)
    padded = Resize(60, fit="pad")(make_sample(wide)).pixels[:, :, 0]

    assert (padded[20:40] == 200).all()
    assert (padded[:20] == 0).all()
    assert (padded[40:] == 0).all()


def test_pad_fills_with_the_black_of_the_range(make_sample: Make) -> None:
    sample = make_sample(np.full((10, 20, 1), 0.5, np.float32), range=(-1.0, 1.0))

    assert Resize(20, fit="pad")(sample).pixels[0, 0, 0] == -1


@pytest.mark.parametrize("fit", ["squash", "crop", "pad"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (333, 7), (31, 32)])
def test_every_shape_comes_out_at_the_size(
    make_sample: Make, fit: str, shape: tuple[int, int]
) -> None:
    sample = make_sample(np.full((*shape, 3), 9, np.uint8))

    assert Resize((33, 32), fit=fit)(sample).pixels.shape == (33, 32, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fit", "spacing"),
    [("squash", (1.0, 6.0)), ("crop", (1.0, 3.0)), ("pad", (2.0, 6.0))],
)
def test_the_spacing_grows_as_the_picture_shrinks(
    make_sample: Make, fit: str, spacing: tuple[float, float]
) -> None:
    sample = make_sample(np.zeros((20, 40, 1), np.uint8), spacing_mm=(0.5, 1.5))

    assert Resize(10, fit=fit)(sample).spacing_mm == pytest.approx(spacing)  # type: ignore[arg-type]


def test_a_picture_without_spacing_gets_none(make_sample: Make, smooth: np.ndarray) -> None:
    assert Resize(8)(make_sample(smooth)).spacing_mm is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3])
def test_dtype_channels_and_values_are_kept(make_sample: Make, dtype: type, channels: int) -> None:
    sample = make_sample(np.full((12, 10, channels), 123, dtype))
    pixels = Resize(5)(sample).pixels

    assert (pixels.dtype, pixels.shape) == (dtype, (5, 5, channels))
    np.testing.assert_allclose(pixels, 123, rtol=1e-6)


def test_16_bits_are_not_reduced_to_8(make_sample: Make) -> None:
    ramp = np.linspace(0, 65535, 400).astype(np.uint16).reshape(1, 400, 1).repeat(4, axis=0)

    assert len(np.unique(Resize((4, 300))(make_sample(ramp)).pixels)) > 256


def test_a_picture_of_the_size_is_left_alone(make_sample: Make) -> None:
    sample = make_sample(np.zeros((5, 5, 3), np.uint8))

    assert Resize(5)(sample) is sample


def test_the_trace_names_both_sizes(make_sample: Make, smooth: np.ndarray) -> None:
    assert Resize((10, 20))(make_sample(smooth)).trace == ("resized 120x96 to 20x10 (squash)",)


@pytest.mark.parametrize("size", [0, (5, 0), -3])
def test_a_size_below_1_is_refused(size: int | tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Resize(size)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "shape", [(1, 2000), (700, 900), (901, 301), (100, 120), (300_000, 3), (3, 300_000)]
)
def test_a_deep_picture_is_resized_as_pillow_resizes_each_channel(
    make_sample: Make, dtype: type, channels: int, shape: tuple[int, int]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 30000, (*shape, channels)).astype(dtype)
    whole = [Image.fromarray(pixels[:, :, each].astype(np.float32)) for each in range(channels)]
    size = (300, 224)
    expected = np.stack([each.resize(size, Image.Resampling.BILINEAR) for each in whole], axis=2)

    resized = Resize(size[::-1])(make_sample(pixels)).pixels

    rounding = 0.55 if np.issubdtype(dtype, np.integer) else 0.05  # of 30,000
    assert np.abs(resized - expected).max() < rounding


@pytest.mark.parametrize(("height", "target"), [(4096, 1), (8192, 3), (65_536, 2)])
def test_white_of_16_bits_never_turns_black(make_sample: Make, height: int, target: int) -> None:
    white = make_sample(np.full((height, 8, 1), 65_535, np.uint16))  # whose sums come out above it

    assert (Resize((target, 8))(white).pixels == 65_535).all()


def test_an_axis_of_the_target_size_is_not_resampled(make_sample: Make) -> None:
    pixels = np.ones((40, 80, 1), np.float32)
    pixels[7] = np.nan
    resized = Resize(40)(make_sample(pixels)).pixels

    assert np.isnan(resized[7]).all()
    assert (np.delete(resized, 7, axis=0) == 1).all()
