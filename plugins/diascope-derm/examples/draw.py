"""Draw the example pictures of derm.yaml: dermoscopy phantoms, none of them of a patient.

    python draw.py OUTDIR

Skin is a coloured ground, and pigments darken it by the Beer-Lambert law, each in its own hue;
nets, globules and lacunae are read off one cellular pattern (Worley, SIGGRAPH 1996). The name of
a picture is the seed it is drawn from, so each comes out the same every time.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageDraw
from skimage.filters import gaussian

HEIGHT, WIDTH = 450, 600
Y, X = np.mgrid[:HEIGHT, :WIDTH].astype(float)
DESCRIPTION = "synthetic phantom drawn by diascope; not a patient"
PIGMENTS = {  # what one unit of each takes from red, green and blue, as natural logarithms
    "melanin": np.array((0.55, 1.0, 1.35)),
    "deep": np.array((1.0, 0.9, 0.66)),  # melanin in the dermis looks blue-grey
    "blood": np.array((0.27, 1.18, 0.86)),
    "pink": np.array((0.05, 0.62, 0.42)),
    "tan": np.array((0.22, 0.62, 1.05)),
}


def noise(rng, sigma):
    """A smooth random field of mean 0 and deviation 1; ``sigma`` is its grain in pixels."""
    spectrum = np.fft.rfft2(rng.standard_normal((HEIGHT, WIDTH)))
    squared = np.fft.fftfreq(HEIGHT)[:, None] ** 2 + np.fft.rfftfreq(WIDTH) ** 2
    field = np.fft.irfft2(spectrum * np.exp(-2 * (np.pi * sigma) ** 2 * squared), s=(HEIGHT, WIDTH))
    return (field - field.mean()) / field.std()


def step(field, softness):
    """1 where ``field`` is negative, 0 where positive, smooth between."""
    return 1 / (1 + np.exp(np.clip(field / softness, -40, 40)))


def blob(rng, radius, at=(300, 225), stretch=1.2, lobes=0.1, ragged=0.03):
    """Signed distance to a lesion's border in radii: -1 in its middle, 0 on the border."""
    turn = rng.uniform(0, np.pi)
    dx, dy = X - at[0], Y - at[1]
    u, v = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    distance = np.hypot(u / stretch**0.5, v * stretch**0.5) / radius
    wobble = lobes * noise(rng, radius / 3) + ragged * (noise(rng, 14) + 0.6 * noise(rng, 5))
    return distance - 1 + np.clip(2 - distance, 0, 1) * wobble


def cells(rng, pitch, warp=0.2):
    """A cellular pattern: distances to the middle and to the wall in pitches; each cell's number,
    drawn from 0..1."""
    x = X / pitch + 4 + warp * (noise(rng, pitch) + 0.3 * noise(rng, pitch / 4))
    y = Y / pitch + 4 + warp * (noise(rng, pitch) + 0.3 * noise(rng, pitch / 4))
    shape = int(HEIGHT / pitch) + 10, int(WIDTH / pitch) + 10
    jitter, numbers = rng.uniform(-0.4, 0.4, (2, *shape)), rng.uniform(0, 1, shape)
    first, second, number = np.full_like(x, 9), np.full_like(x, 9), np.zeros_like(x)
    for i, j in np.ndindex(3, 4):
        row, column = y.astype(int) + i - 1, x.astype(int) + j - 2
        middle = column + 0.5 + 0.5 * (row % 2), row + 0.5
        away = np.hypot(*(x, y) - np.stack(middle) - jitter[:, row, column])
        second = np.minimum(second, np.maximum(first, away))
        number = np.where(away < first, numbers[row, column], number)
        first = np.minimum(first, away)
    return first, second - first, number


def net(rng, pitch, width):
    """Lines 0..1 between cells, about ``width`` pitches wide and uneven."""
    width = width * np.exp(0.3 * noise(rng, pitch))
    return np.exp(-((cells(rng, pitch)[1] / width) ** 2))


def walk(rng, x, y, heading, width, length, bend=0.04, taper=0.7):
    """A wandering, tapering line: rows of x, y and width, one a pixel."""
    course = heading + np.linspace(0, rng.normal(0, 14 * bend), length)
    course += 0.5 * np.cumsum(rng.normal(0, bend, length))
    widths = width * np.linspace(1, 1 - taper, length)
    return np.stack([x + np.cumsum(np.cos(course)), y + np.cumsum(np.sin(course)), widths], 1)


def tree(rng, x, y, heading, width, length):
    """A vessel and its branches, each thinner than its parent."""
    found = [walk(rng, x, y, heading, width, length, 0.09, 0.6)]
    for at in rng.integers(length // 5, length, 4 if width > 2.2 else 0):
        bx, by, bw = found[0][at]
        side = rng.choice([-1, 1]) * rng.uniform(0.4, 0.9)
        found += tree(rng, bx, by, heading + side, 0.75 * bw, int(0.65 * length))
    return found


def ink(paths):
    """Coverage 0..1 of such lines drawn with a round pen, antialiased."""
    canvas = Image.new("L", (2 * WIDTH, 2 * HEIGHT))
    pen = ImageDraw.Draw(canvas)
    for x, y, width in np.concatenate(paths) * 2:
        pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)
    return np.asarray(canvas.reduce(2), dtype=float) / 255


def absorb(picture, where, **densities):
    """Light passes pigments of these densities."""
    for pigment, density in densities.items():
        passed = np.clip(where * density, 0, None)
        picture = picture * np.exp(-passed[..., None] * PIGMENTS[pigment])
    return picture


def cover(picture, opacity, *colour):
    """An opaque colour lies over the picture."""
    return picture + (np.array(colour) - picture) * np.clip(opacity, 0, 1)[..., None]


def skin(rng, *colour, mottle=0.04):
    """Bare skin: uneven in blood and melanin, with furrows and fine grain."""
    blood = mottle * (2 + noise(rng, 60) + 0.5 * noise(rng, 5))
    tan = mottle * (2 + noise(rng, 90) + 0.6 * noise(rng, 9))
    furrow = net(rng, 15, 0.16) * (1 + noise(rng, 12)) + 0.5 * net(rng, 34, 0.1)
    ground = np.array(colour) * (1 - 0.015 * noise(rng, 1.6) - 0.02 * furrow)[..., None]
    return absorb(ground, 1, blood=blood, tan=tan)


def hairs(rng, picture, count, width=2.2, *colour):
    """Hairs, roughly combed one way, each with a faint shadow."""
    lie, paths = rng.uniform(0, np.pi), []
    for length in rng.integers(150, 420, count):
        x, y = rng.uniform((-60, -40), (600, 450))
        paths.append(walk(rng, x, y, rng.normal(lie, 0.35), width, length))
    drawn = ink(paths)
    picture = absorb(picture, gaussian(np.roll(drawn, (3, 2), (0, 1)), 2.5), melanin=0.25)
    return cover(picture, 0.85 * drawn, *colour or (0.16, 0.1, 0.09))


def bubbles(rng, picture, count):
    """Air in the contact gel: a dark rim, a bright rim inside it, a glint."""
    for radius in rng.uniform(6, 21, count):
        x, y = rng.uniform((30, 30), (570, 420))
        far = np.hypot(X - x, Y - y) - radius
        glint = np.hypot(X - x + 0.4 * radius, Y - y + 0.4 * radius) / (0.16 * radius)
        picture = cover(picture, 0.25 * np.exp(-((far / 1.6) ** 2)), 0, 0, 0)
        picture = cover(picture, 0.3 * np.exp(-(((far + 3.5) / 1.8) ** 2)), 1, 1, 1)
        picture = cover(picture, 0.85 * np.exp(-(glint**2)), 1, 1, 1)
    return picture


def ruler(picture):
    """Millimetre marks of the glass plate along the lower edge."""
    for mark in range(25):
        length = 34 if mark % 10 == 0 else 26 if mark % 5 == 0 else 16
        on = step(np.abs(X - 12 - 24 * mark) - 1, 0.4) * step(HEIGHT - length - Y, 0.4)
        picture = cover(picture, 0.85 * on, 0.08, 0.08, 0.1)
    return picture


def lens(rng, picture, stop=None, fall=0.22):
    """The instrument: light falls off, perhaps a round stop, a little blur and sensor noise."""
    away = np.hypot(X - WIDTH / 2, Y - HEIGHT / 2)
    picture = picture * (1 - fall * (away / 375) ** 3)[..., None]
    if stop:
        picture = cover(picture, step(stop - away, 5), 0.035, 0.025, 0.04)
    return gaussian(picture, 0.7, channel_axis=2) + 0.006 * noise(rng, 0.6)[..., None]


def network_nevus(rng):
    picture = skin(rng, 0.93, 0.76, 0.68)
    border = blob(rng, 135, lobes=0.07)
    brown = 0.36 + 0.08 * noise(rng, 18) - 0.2 * border
    lines = net(rng, 13, 0.3) * (1 + 0.3 * noise(rng, 25))
    picture = absorb(picture, step(border, 0.1), melanin=brown)
    picture = absorb(picture, step(border - 0.05, 0.09), melanin=0.5 * lines)
    return lens(rng, bubbles(rng, hairs(rng, picture, 6), 2))


def globular_nevus(rng):
    picture = skin(rng, 0.9, 0.76, 0.74)
    border = blob(rng, 120, stretch=1.3, lobes=0.07)
    near, _, number = cells(rng, 17)
    globule = step(near - 0.24 - 0.2 * number, 0.07) * (0.2 + 0.6 * number)
    brown = 0.5 + 0.1 * noise(rng, 14) - 0.15 * border
    picture = absorb(picture, step(border, 0.06), melanin=brown)
    picture = absorb(picture, step(border - 0.03, 0.04), melanin=globule)
    return lens(rng, picture, stop=288)


def melanoma_like(rng):
    picture = skin(rng, 0.92, 0.74, 0.71, mottle=0.06)
    border = blob(rng, 138, stretch=1.35, lobes=0.17, ragged=0.05)
    patch, streaks = noise(rng, 32), []
    for angle in rng.uniform(-1.3, 1.1, 34):
        x, y = 300 + np.cos(angle) * np.arange(220), 225 + np.sin(angle) * np.arange(220)
        at = max(np.flatnonzero(border[y.astype(int), x.astype(int)] < 0)) - 18
        width, length = rng.uniform(4, 9), rng.integers(22, 48)
        streaks.append(walk(rng, x[at], y[at], angle, width, length, taper=0.4))
    brown = 0.75 + 0.4 * patch + 0.15 * noise(rng, 7) + 0.6 * net(rng, 15, 0.3) * step(patch, 0.4)
    picture = absorb(picture, step(border - 0.1, 0.12), blood=0.35)
    picture = absorb(picture, step(border, 0.045), melanin=brown)
    picture = absorb(picture, gaussian(ink(streaks), 2.2), melanin=0.9)
    dark = step(blob(rng, 55, (365, 185), lobes=0.25, ragged=0.1), 0.15)
    picture = absorb(picture, dark, melanin=1.3 + 0.2 * noise(rng, 6))
    veil = step(blob(rng, 56, (245, 250), 1.6, lobes=0.35, ragged=0.14), 0.3)
    picture = cover(picture, 0.72 * veil, 0.5, 0.48, 0.54)
    picture = absorb(picture, veil, deep=0.3 + 0.2 * noise(rng, 10) + 0.12 * noise(rng, 4))
    scar = step(blob(rng, 34, (310, 295), lobes=0.2, ragged=0.1), 0.25)
    return lens(rng, hairs(rng, cover(picture, 0.6 * scar, 0.9, 0.76, 0.76), 4))


def red_lacunae(rng):
    picture = skin(rng, 0.96, 0.76, 0.71)
    border = blob(rng, 108, stretch=1.15, lobes=0.06)
    body = step(border, 0.05)
    near, wall, number = cells(rng, 44, warp=0.1)
    full = step(near - 0.34 - 0.14 * number + 0.03 * noise(rng, 5), 0.06) * step(0.1 - wall, 0.06)
    full *= step(border + 0.06, 0.05)
    picture = absorb(picture, step(border - 0.15, 0.15), blood=0.25)
    picture = absorb(cover(picture, 0.7 * body, 0.84, 0.6, 0.68), body, pink=0.6, deep=0.08)
    picture = absorb(picture, full, blood=0.5 + 0.6 * number + 0.08 * noise(rng, 6))
    picture = absorb(picture, full, deep=0.5 * step(0.7 - number, 0.05))
    return lens(rng, bubbles(rng, picture, 4))


def seborrheic_keratosis_like(rng):
    picture = skin(rng, 0.89, 0.79, 0.74)
    border = blob(rng, 140, stretch=1.3, lobes=0.08)
    near, _, number = cells(rng, 32, warp=0.08)
    brown = 0.42 + 0.14 * noise(rng, 26) + 0.14 * noise(rng, 4) + 0.2 * net(rng, 18, 0.35)
    brown += 0.2 * np.exp(-(((border + 0.05) / 0.04) ** 2))
    inner, near = step(border + 0.12, 0.02), near + 0.03 * noise(rng, 3)
    milium = inner * step(near - 0.04 - 0.18 * number, 0.05) * (number > 0.6)
    plug = inner * step(near - 0.12 - 0.3 * number, 0.04) * (number < 0.25)
    picture = absorb(picture, step(border, 0.018), tan=0.5 + 0.15 * noise(rng, 30), melanin=brown)
    picture = cover(picture, 0.8 * milium, 0.96, 0.9, 0.78)
    return lens(rng, ruler(absorb(picture, plug, melanin=1.3)))


def dermatofibroma_like(rng):
    picture = skin(rng, 0.95, 0.79, 0.72)
    body = step(blob(rng, 125, stretch=1.1, lobes=0.06), 0.16)
    brown = 0.3 + 0.24 * net(rng, 11, 0.32)
    white = step(blob(rng, 46, lobes=0.12, ragged=0.08), 0.25) * (0.5 + 0.35 * net(rng, 19, 0.2))
    picture = absorb(picture, body, blood=0.16 + 0.05 * noise(rng, 14), melanin=brown)
    picture = cover(picture, white, 0.93, 0.83, 0.82)
    return lens(rng, hairs(rng, picture, 9, 1.6, 0.35, 0.24, 0.19), fall=0.3)


def basal_cell_carcinoma_like(rng):
    picture = skin(rng, 0.95, 0.78, 0.75, mottle=0.05)
    border = blob(rng, 140, stretch=1.15, lobes=0.09)
    body, vessels = step(border, 0.08), []
    for angle in (0.2, 1.9, 3.3, 4.7):
        x, y = 300 + 155 * np.cos(angle), 225 + 140 * np.sin(angle)
        vessels += tree(rng, x, y, angle + np.pi + 0.5, 5.5, 140)
    drawn = gaussian(ink(vessels), 0.8) * step(border - 0.3, 0.08)
    near, _, number = cells(rng, 42)
    nest = step(near - 0.22 + 0.06 * noise(rng, 5), 0.09) * (number > 0.65)
    picture = cover(picture, 0.7 * body, 0.9, 0.72, 0.72)
    picture = absorb(picture, body, pink=0.3 + 0.1 * noise(rng, 22) + 0.05 * noise(rng, 5))
    picture = absorb(picture, step(border + 0.1, 0.05) * nest, deep=0.65)
    picture = absorb(picture, drawn, blood=0.85 + 0.2 * noise(rng, 20))
    shine = step(blob(rng, 15, (345, 180), 2.5, lobes=0.2, ragged=0.2), 0.2)
    return lens(rng, cover(picture, 0.5 * shine, 0.98, 0.93, 0.92))


def actinic_keratosis_like(rng):
    picture = skin(rng, 0.96, 0.79, 0.72, mottle=0.06)
    field = step(blob(rng, 190, stretch=1.3, lobes=0.12), 0.2)
    near, _, number = cells(rng, 30)
    halo = step(near - 0.24 - 0.12 * number + 0.03 * noise(rng, 4), 0.09)
    red = 0.5 + 0.12 * noise(rng, 4) + 0.16 * noise(rng, 35) + 0.25 * net(rng, 13, 0.25)
    picture = absorb(picture, field * (1 - 0.8 * halo), blood=red)
    picture = cover(picture, 0.45 * field * halo, 0.96, 0.84, 0.74)
    picture = absorb(picture, field * step(near - 0.09 * number, 0.05), tan=0.4)
    scale = field * step(1.3 - noise(rng, 4) - 0.7 * noise(rng, 40), 0.2)
    return lens(rng, hairs(rng, cover(picture, 0.45 * scale, 0.98, 0.94, 0.9), 3, 1.5))


SCENES = (network_nevus, globular_nevus, melanoma_like, red_lacunae, seborrheic_keratosis_like)
SCENES += (dermatofibroma_like, basal_cell_carcinoma_like, actinic_keratosis_like)
ON_ITS_SIDE = "phantom-globular-nevus.jpg"  # so that a reader has an orientation to undo


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for draw in SCENES:
        name = f"phantom-{draw.__name__.replace('_', '-')}.jpg"
        pixels = draw(np.random.default_rng(list(name.encode())))
        exif = Image.Exif()
        exif[ExifTags.Base.ImageDescription] = DESCRIPTION
        if name == ON_ITS_SIDE:
            exif[ExifTags.Base.Orientation] = 6
        picture = Image.fromarray((255 * np.clip(pixels, 0, 1)).round().astype(np.uint8))
        picture.save(folder / name, quality=88, exif=exif)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
