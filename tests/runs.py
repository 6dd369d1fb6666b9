"""Whole runs on tiny things: weights, recipes, pictures, the command, and odd plugins."""

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from diascope.card import WEIGHTS_FILE, Label, ModelCard, file_digest, write_card

LAYERS = [{"conv": {"filters": 4, "stride": 2}}, {"conv": {"filters": 6, "stride": 2}}]
PATIENCE_S = 90
"""After this long a subprocess that shows no sign of life is taken for hung."""


def write_weights(directory: Path) -> Path:
    """Write a convnet of two convolutions for 32x32 RGB and three labels; always the same."""
    import torch
    from safetensors.torch import save_file

    from diascope.network import Network, build_head
    from diascope.pipeline import make_backbone

    card = ModelCard(
        name="tiny",
        task="multiclass",
        labels=(Label("red"), Label("green"), Label("blue")),
        size=(32, 32),
        backbone="convnet",
        backbone_parameters={"layers": LAYERS},
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        score_kind="softmax",
        preprocess=({"resize": {"size": 32}},),
    )
    with torch.random.fork_rng():
        torch.manual_seed(7)
        backbone = make_backbone(card.backbone, card.backbone_parameters)
        network = Network(backbone.build(), build_head(card.head, backbone.features, card.outputs))
    directory.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), directory / WEIGHTS_FILE)
    write_card(replace(card, digest=file_digest(directory / WEIGHTS_FILE)), directory)
    return directory


def write_recipe(path: Path, weights: Path, **changes: Any) -> Path:
    """Write a recipe that classifies with ``weights``; JSON is YAML too."""
    recipe = {
        "read": "auto",
        "preprocess": [{"resize": {"size": 32}}],
        "model": {"classifier": {"weights": str(weights)}},
        "report": ["csv"],
        "run": {"workers": 0, "batch": 4, "device": "cpu"},
    }
    path.write_text(json.dumps(recipe | changes))
    return path


def write_pictures(folder: Path, count: int) -> Path:
    """Write ``00.png``, ``01.png``, ...: pictures of 40x40, all different, always the same."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(3)
    for number in range(count):
        tint = random.integers(0, 200, 3)
        pixels = random.integers(0, 56, (40, 40, 3)) + tint
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number:02}.png")
    return folder


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def tiny_weights(tmp_path: Path) -> Path:
    """A weights folder, see ``write_weights``."""
    return write_weights(tmp_path / "weights")


@pytest.fixture
def recipe(tmp_path: Path, tiny_weights: Path) -> Path:
    """A recipe with the tiny weights and the CSV report."""
    return write_recipe(tmp_path / "tiny.yaml", tiny_weights)


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ended]:
    """Return a function that calls ``pipeline`` in this process, as the shell would."""
    from diascope.cli import main

    def call(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["pipeline", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Ended(int(ended.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture
def odd_plugins(install: Callable[..., None], tmp_path: Path) -> Path:
    """Install the readers, steps and reports of ``ODD``; return the folder for PYTHONPATH."""
    install("odd", ODD_ENTRY_POINTS, odd_plugins=ODD)
    return tmp_path / "site"


def start(site: Path, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Start ``python -m diascope`` in a process of its own."""
    paths = [str(site), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, "-m", "diascope", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def strike(process: subprocess.Popen[str], number: signal.Signals, when: Callable[[], bool]) -> Any:
    """Send a signal as soon as ``when`` says so; return how the process ended."""
    deadline = time.monotonic() + PATIENCE_S
    while not when():
        assert process.poll() is None, f"it ended before its time: {process.communicate()}"
        assert time.monotonic() < deadline, "it shows no sign of life"
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)
    return Ended(process.returncode, out, err)


def done_in(output: Path) -> int:
    """Return how many items an output folder's ledger shows as ended, while it is written."""
    path = output / "ledger.sqlite"
    if not path.is_file():
        return 0
    base = sqlite3.connect(path)
    try:
        query = "select count(*) from items where state not in ('pending', 'skipped')"
        return int(base.execute(query).fetchone()[0])
    except sqlite3.OperationalError:  # its tables are not there yet
        return 0
    finally:
        base.close()


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def states(output: Path) -> dict[str, tuple[str, str]]:
    """Return item to (state, reason), from an output folder's CSV reports."""
    ends = {row["item"]: (row["state"], row["reason"]) for row in rows(output / "failures.csv")}
    return ends | {row["item"]: ("ok", "") for row in rows(output / "predictions.csv")}


def contents(folder: Path, names: Sequence[str]) -> list[bytes]:
    """Return the bytes of files in a folder."""
    return [(folder / name).read_bytes() for name in names]


ODD_ENTRY_POINTS = """
[diascope.readers]
slow = odd_plugins:Slow
fatal = odd_plugins:Fatal
stream = odd_plugins:Stream
closed = odd_plugins:Closed

[diascope.preprocessing]
dawdle = odd_plugins:Dawdle

[diascope.reports]
raising = odd_plugins:Raising
dying = odd_plugins:Dying
"""

ODD = '''
import os, signal, time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from diascope.readers.image import ImageReader
from diascope.sample import Prediction, Sample

class Slow(ImageReader):
    """Takes as long as the environment says, so that a run can be struck while it goes on."""
    def read(self, item):
        time.sleep(float(os.environ.get("ODD_SECONDS", 0)))
        yield from super().read(item)

class Fatal(ImageReader):
    """Is killed by one item; only where it is alone in its process."""
    def read(self, item):
        if "fatal" in item.id:
            os.kill(os.getpid(), signal.SIGKILL)
        yield from super().read(item)

@dataclass
class Stream:
    """Gives 500 frames and writes down, byte by byte, how many were taken from it."""
    api = (1, 0)
    log: Path
    def sniff(self, path, head):
        return 1
    def read(self, item):
        for number in range(500):
            with self.log.open("ab") as file:
                file.write(b".")
            yield Sample(item, np.full((128, 128, 3), number % 256, np.uint8), frame=number)

class Closed:
    """Cannot travel to another process."""
    api = (1, 0)
    def __init__(self):
        self.secret = lambda: None
    def sniff(self, path, head):
        return 1
    def read(self, item):
        raise NotImplementedError

class Dawdle:
    """A step that takes as long as the environment says."""
    api = (1, 0)
    def __call__(self, sample):
        time.sleep(float(os.environ.get("ODD_SECONDS", 0)))
        return sample

class Raising:
    """A report that cannot be written, until somebody mends it."""
    api = (1, 0)
    def write(self, run, records, directory):
        if "ODD_MENDED" not in os.environ:
            raise RuntimeError("out of ink")
        (directory / "raising.txt").write_text("well")
        return [directory / "raising.txt"]

class Dying:
    """A report whose process dies when it is half written."""
    api = (1, 0)
    def write(self, run, records, directory):
        (directory / "half.txt").write_text("half of it")
        if "ODD_MENDED" not in os.environ:
            os.kill(os.getpid(), signal.SIGKILL)
        return [directory / "half.txt"]
'''
