"""Draw a whole slide: a pyramid of JPEG tiles, violet and pink on glass, at 0.5 um a pixel.

    python benchmarks/slide_maker.py OUT.tif [--size 40000] [--seed 0]

Memory does not depend on the size: one patch of texture is repeated under a small mask that libvips
enlarges while writing. OpenSlide and the reader ``slide`` both read the file and its spacing.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray
from PIL import Image

SPACING_UM = 0.5
PATCH, NUCLEI, NUCLEUS = 2048, 4000, (5, 12)  # side in pixels, number, range of radii in pixels
COARSE, ISLANDS = 400, 9  # side of the mask in pixels, and of the noise that it is enlarged from
GLASS = (243, 241, 244)
EOSIN, HAEMATOXYLIN = np.array((226, 150, 190)), np.array((96, 62, 140))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=40_000, help="pixels of a side")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw(options.out, options.size, options.seed)


def draw(path: Path, size: int, seed: int = 0) -> None:
    """Write a slide of ``size`` x ``size`` pixels, about a third of it tissue."""
    random = np.random.default_rng(seed)
    repeats = -(-size // PATCH)
    texture = pyvips.Image.new_from_array(draw_patch(random)).replicate(repeats, repeats)
    mask = pyvips.Image.new_from_array(draw_mask(random)).resize(size / COARSE, kernel="linear")
    slide = mask.crop(0, 0, size, size).ifthenelse(
        texture.crop(0, 0, size, size), _uniform_image(size, GLASS), blend=True
    )
    slide.copy(xres=1000 / SPACING_UM, yres=1000 / SPACING_UM, interpretation="srgb").tiffsave(
        str(path),
        tile=True,
        tile_width=256,
        tile_height=256,
        pyramid=True,
        compression="jpeg",
        Q=80,
        bigtiff=True,
        resunit="cm",
    )


def draw_patch(random: np.random.Generator) -> NDArray[np.uint8]:
    """Return ``(PATCH, PATCH, 3)``: round nuclei on a mottled background, tileable."""
    spots = np.zeros((PATCH, PATCH), np.float32)
    for y, x in random.integers(0, PATCH, (NUCLEI, 2)):
        radius = int(random.integers(*NUCLEUS))
        rows, columns = np.ogrid[-radius : radius + 1, -radius : radius + 1]
        inside = rows**2 + columns**2 <= radius**2
        place = np.ix_((rows.ravel() + y) % PATCH, (columns.ravel() + x) % PATCH)
        spots[place] = np.maximum(spots[place], inside)
    mottle = random.normal(size=(PATCH, PATCH, 1)) * 9
    colour = EOSIN + (HAEMATOXYLIN - EOSIN) * spots[:, :, None] + mottle
    return np.clip(np.rint(colour), 0, 255).astype(np.uint8)


def draw_mask(random: np.random.Generator) -> NDArray[np.uint8]:
    """Return the mask ``(COARSE, COARSE)``: 255 where there is tissue, in islands off the edges."""
    noise = Image.fromarray(random.normal(size=(ISLANDS, ISLANDS)).astype(np.float32))
    smooth = np.asarray(noise.resize((COARSE, COARSE), Image.Resampling.BICUBIC))
    rows, columns = np.mgrid[-1 : 1 : COARSE * 1j, -1 : 1 : COARSE * 1j]
    height = smooth / smooth.std() - 4 * (rows**8 + columns**8)
    covered: NDArray[np.uint8] = np.where(height > np.quantile(height, 0.67), 255, 0).astype("u1")
    return covered


def _uniform_image(size: int, colour: tuple[int, int, int]) -> Any:
    return pyvips.Image.black(size, size, bands=3).linear(1, list(colour)).cast("uchar")


if __name__ == "__main__":
    main()
