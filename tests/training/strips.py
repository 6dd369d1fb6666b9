"""Items of many regions: strips of grey squares, one of which can decide the label of the whole."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.training.trainings import write_training

ENTRY_POINTS = "[diascope.readers]\nstrip = strip_plugin:Strip\n"
SOURCE = '''
import numpy as np
from PIL import Image

from diascope.errors import ReadError
from diascope.sample import Overview, Region, Sample


class Strip:
    """A picture of n squares side by side; each is a region."""

    api = (1, 0)

    def sniff(self, path, head):
        return 90

    def read(self, item):
        yield from self.read_from(item, 0)

    def read_from(self, item, start):
        with item.open() as file:
            pixels = np.asarray(Image.open(file).convert("RGB"))
        side, width = pixels.shape[:2]
        whole = Overview(pixels, np.ones((side, width), bool), (side, width))
        for frame in range(start, width // side):
            left = frame * side
            if pixels[:, left : left + side].min() == 255:
                raise ReadError("a burnt square")
            yield Sample(
                item,
                pixels[:, left : left + side],
                frame=frame,
                region=Region(left, 0, side, side),
                overview=whole if frame == 0 else None,
            )
'''
SIDE = 4
LINEAR = {"convnet": {"layers": [{"conv": {"filters": 6, "kernel": 1, "activation": "none"}}]}}
"""Features that are linear in the brightness: their mean over an item tells its mean brightness."""


def write_strips(folder: Path, *, each: int = 24, regions: int = 20) -> Path:
    """Write strips and their table, ``dull`` or ``lit``: a lit one has one bright square.

    The other squares of a lit strip are so much darker that all strips have the same mean.
    """
    random, lines = np.random.default_rng(8), ["path,label,bright"]
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(2 * each):
        label = ("dull", "lit")[number % 2]
        levels, bright = random.uniform(60, 140, regions), int(random.integers(regions))
        if label == "lit":
            levels[bright] = 235
        levels += 100 - levels.mean()
        squares = np.repeat(np.rint(levels), SIDE).astype(np.uint8)
        Image.fromarray(np.tile(squares, (SIDE, 1))).save(folder / f"{number:02}.png")
        lines.append(f"{number:02}.png,{label},{bright}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    return folder / "table.csv"


def write_attention(path: Path, table: Path, **train: Any) -> Path:
    """Write a recipe that learns from whole strips, by a random backbone in a file beside it."""
    import torch

    from diascope.plugin_creation import make_backbone

    torch.manual_seed(0)
    (backbone,) = (make_backbone(*pair) for pair in LINEAR.items())
    torch.save(backbone.build().state_dict(), path.parent / "backbone.pt")
    options: dict[str, Any] = {"start": str(path.parent / "backbone.pt")}
    options |= {"head": "attention", "freeze_backbone": True, "backbone": LINEAR, "task": "binary"}
    options |= {"epochs": 25, "batch": 4, "learning_rate": 0.03, "labels": ["dull", "lit"]}
    recipe = json.loads(write_training(path, table, size=SIDE, **{**options, **train}).read_text())
    path.write_text(json.dumps({**recipe, "read": "strip"}))
    return path
