import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

PLUGIN = Path(__file__).parents[1]
EXAMPLES = PLUGIN / "src/diascope_derm/recipes/examples"
NAMES = sorted(path.name for path in EXAMPLES.glob("*.jpg"))


def _pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), dtype=float)


def _exif(name):
    with Image.open(EXAMPLES / name) as picture:
        return picture.getexif()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("draw", PLUGIN / "examples/draw.py")
    draw = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(draw)
    folder = tmp_path_factory.mktemp("phantoms")
    draw.main(folder)
    return folder


def test_the_examples_are_the_pictures_that_the_script_draws(drawn):
    assert sorted(path.name for path in drawn.iterdir()) == NAMES
    for name in NAMES:
        difference = np.abs(_pixels(EXAMPLES / name) - _pixels(drawn / name)).mean()
        assert difference < 1, f"{name} is not what draw.py draws; see README.md beside it"


def test_there_are_eight_examples_or_more():
    assert len(NAMES) >= 8


@pytest.mark.parametrize("name", NAMES)
def test_every_example_says_in_its_exif_that_it_is_synthetic(name):
    told = _exif(name)[ExifTags.Base.ImageDescription]
    assert told == "synthetic phantom drawn by diascope; not a patient"


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_small_enough_to_ship(name):
    assert (EXAMPLES / name).stat().st_size < 60_000
    assert _pixels(EXAMPLES / name).shape == (450, 600, 3)


def test_one_example_lies_on_its_side():
    turned = [name for name in NAMES if _exif(name).get(ExifTags.Base.Orientation, 1) != 1]
    assert turned == ["phantom-globular-nevus.jpg"]
    assert _exif(turned[0])[ExifTags.Base.Orientation] == 6
