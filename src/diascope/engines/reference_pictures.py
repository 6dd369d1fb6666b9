"""Pictures for comparing engines. They are synthetic, so that no patient data is needed."""

import numpy as np
from numpy.typing import NDArray

COUNT = 32


def draw_reference_pictures(size: tuple[int, int], channels: int) -> NDArray[np.float32]:
    """Return ``(32, H, W, C)`` in [0, 1]; always the same pictures.

    Each is a sum of a coarse field, a finer one and noise around a random colour, with one to four
    discs of another colour. They range from smooth to rough. This covers what networks respond to
    in any picture: edges, textures and blobs.
    """
    random = np.random.default_rng(0)
    height, width = size
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    pictures = []
    for number in range(COUNT):
        rough = number / (COUNT - 1)
        ground = random.uniform(0.15, 0.85, channels)
        picture = ground + 0.25 * _field(random, size, 4, channels)
        picture += 0.2 * rough * _field(random, size, 32, channels)
        picture += 0.1 * rough * random.standard_normal((height, width, 1))
        for _ in range(random.integers(1, 5)):
            row, column, radius = random.uniform(0.2, 0.8), random.uniform(0.2, 0.8), 0.3
            distance = np.hypot(rows - row, columns - column) / random.uniform(0.05, radius)
            inside = 1 / (1 + np.exp(np.clip(20 * (distance - 1), -50, 50)))[:, :, None]
            picture += inside * random.uniform(-0.4, 0.4, channels)
        pictures.append(np.clip(picture, 0, 1))
    return np.stack(pictures).astype(np.float32)


def _field(
    random: "np.random.Generator", size: tuple[int, int], cells: int, channels: int
) -> NDArray[np.float64]:
    """Return a smooth random field ``(H, W, C)`` with a standard deviation of about 1."""
    knots = random.standard_normal((cells + 1, cells + 1, channels))
    axes = [np.linspace(0, cells, side) for side in size]
    lower = [np.minimum(axis.astype(int), cells - 1) for axis in axes]
    high, wide = (axis - low for axis, low in zip(axes, lower, strict=True))
    high, wide = high[:, None, None], wide[None, :, None]
    rows, columns = lower[0][:, None], lower[1][None, :]
    above = knots[rows, columns] * (1 - wide) + knots[rows, columns + 1] * wide
    below = knots[rows + 1, columns] * (1 - wide) + knots[rows + 1, columns + 1] * wide
    field: NDArray[np.float64] = above * (1 - high) + below * high
    return field
