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
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest
from PIL import Image

from diascope.card import WEIGHTS_FILE, Label, ModelCard, file_digest, write_card
from tests import odd_plugins as odd

LAYERS = [{"conv": {"filters": 4, "stride": 2}}, {"conv": {"filters": 6, "stride": 2}}]
Head = Literal["linear", "attention"]
REFERENCE = {"engine": "torch", "precision": "float32"}
"""Under ``run:``, the engine that needs no choice and gives the same bits everywhere."""

PATIENCE_S = 90
"""After this long a subprocess that shows no sign of life is taken for hung."""


def write_weights(directory: Path, head: Head = "linear") -> Path:
    """Write a convnet of two convolutions for 32x32 RGB and three labels; always the same."""
    import torch
    from safetensors.torch import save_file

    from diascope.network import Network, build_head
    from diascope.plugin_creation import make_backbone

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
        head=head,
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
        "run": {"workers": 0, "batch": 4, "device": "cpu"} | REFERENCE,
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
    """Install the plugins of ``tests/odd_plugins.py``; return the folder for PYTHONPATH."""
    source = Path(odd.__file__).read_text()
    install("odd", odd.ENTRY_POINTS, odd_plugins=source)
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
        preexec_fn=_heeds_interrupts,
    )


def _heeds_interrupts() -> None:
    """A shell starts what it runs in the background with Ctrl-C ignored; children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
