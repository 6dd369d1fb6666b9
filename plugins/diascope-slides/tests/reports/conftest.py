"""A made-up slide on disk and an answer for it, for the tests of the reports."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from diascope.sample import Item, Overview, Prediction, Regions

LABELS = (
    {"name": "benign", "title": "Benign", "operating_point": None},
    {"name": "tumour", "title": "Tumour", "operating_point": 0.4},
)
RUN: dict[str, Any] = {
    "card": {"name": "tiles", "title": "Tumour in tiles", "task": "binary", "labels": LABELS},
    "recipe": {"privacy": "none"},
}
SIZE = (600, 800)
BOXES = np.array([(0, 0, 100, 100), (100, 0, 100, 100), (400, 300, 100, 100)], np.int32)
TUMOUR = np.array([0.9, 0.45, 0.1], np.float32)


@pytest.fixture
def run() -> dict[str, Any]:
    """The part of a ``run.json`` that the reports need."""
    return RUN


@pytest.fixture
def answer() -> Callable[..., Prediction]:
    """Return a function that makes the answer for a slide of 600 x 800 pixels and three tiles."""
    return _answer


@pytest.fixture
def plain() -> Prediction:
    """The answer for a picture that is not a slide."""
    return _answer("photo.jpg", overview=None, regions=None)


def _picture() -> np.ndarray:
    """Return ``(600, 800, 3)`` uint8: a red left half on white."""
    pixels = np.full((*SIZE, 3), 255, np.uint8)
    pixels[:, :400] = (200, 30, 60)
    return pixels


def _answer(name: str = "a/slide.tif", folder: Path | None = None, **fields: Any) -> Prediction:
    """Make the answer; if a folder is given, write the slide there as a picture."""
    uri = "/nowhere/slide.tif"
    if folder is not None:
        uri = str(folder / "slide.png")
        Image.fromarray(_picture()).save(uri)
    small = np.ascontiguousarray(_picture()[::4, ::4])
    counts = {"tiles": 48, "tissue": 24, "used": 3}
    given: dict[str, Any] = {
        "predicted": ("tumour",),
        "samples": len(BOXES),
        "overview": Overview(small, small[..., 1] < 200, SIZE, (0.0005, 0.0005), counts),
        "regions": Regions(BOXES, np.stack([1 - TUMOUR, TUMOUR], axis=1)),
    }
    scores = {"benign": 0.1, "tumour": 0.9}
    return Prediction(Item(name, uri), scores, "probability", **(given | fields))
