"""What several tests need: pictures on disk, samples, weights folders, fake distributions."""

import hashlib
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image

from diascope.card import WEIGHTS_FILE, Label, ModelCard, write_card
from diascope.plugins import find_plugins
from diascope.sample import Item, Sample
from tests.runs import command as command
from tests.runs import odd_plugins as odd_plugins
from tests.runs import recipe as recipe
from tests.runs import tiny_weights as tiny_weights

SMALL_CONVNET = {"layers": [{"conv": {"filters": 4}}, {"pool": {"size": 2}}]}


@pytest.fixture
def make_item(tmp_path: Path) -> Callable[..., Item]:
    """Return a function that writes bytes, an array or a Pillow image and returns its Item."""

    def make(content: Any, name: str = "picture.png", **options: Any) -> Item:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            image = content if isinstance(content, Image.Image) else Image.fromarray(content)
            image.save(path, **options)
        return Item(name, str(path))

    return make


@pytest.fixture
def blank_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save all figures empty."""

    def save(figure: Any, path: Path, **options: Any) -> None:
        path.write_text("<svg></svg>")

    with suppress(ImportError):  # without diascope[train], no test saves any
        monkeypatch.setattr("matplotlib.figure.Figure.savefig", save)


@pytest.fixture
def make_sample() -> Callable[..., Sample]:
    """Return a function from pixels to a Sample."""

    def make(pixels: Any, **fields: Any) -> Sample:
        return Sample(Item("a.png", "/nowhere/a.png"), pixels, **fields)

    return make


@pytest.fixture
def make_card() -> Callable[..., ModelCard]:
    """Return a function that makes the card of a small grey network for two labels."""

    def make(**changes: Any) -> ModelCard:
        card = ModelCard(
            name="small",
            task="multiclass",
            labels=(Label("dark"), Label("bright")),
            size=(8, 8),
            backbone="convnet",
            backbone_parameters=SMALL_CONVNET | {"in_channels": 1},
            mean=(0.5,),
            std=(0.25,),
            score_kind="softmax",
        )
        return replace(card, **changes)

    return make


@pytest.fixture
def make_weights(tmp_path: Path) -> Callable[..., tuple[Path, ModelCard]]:
    """Return a function that writes random weights for a card, and the card with its digest."""

    def make(card: ModelCard, name: str = "weights", seed: int = 0) -> tuple[Path, ModelCard]:
        import torch
        from safetensors.torch import save_file

        from diascope.network import Network, build_head
        from diascope.plugin_creation import make_backbone

        torch.manual_seed(seed)
        backbone = make_backbone(card.backbone, card.backbone_parameters)
        head = build_head(card.head, backbone.features, card.outputs)
        directory = tmp_path / name
        directory.mkdir()
        network = Network(backbone.build(), head)
        save_file(network.state_dict(), directory / WEIGHTS_FILE)
        digest = hashlib.sha256((directory / WEIGHTS_FILE).read_bytes()).hexdigest()
        whole = replace(card, digest=digest)
        write_card(whole, directory)
        return directory, whole

    return make


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return a function that installs a fake distribution for the time of the test."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    known = set(sys.modules)

    def install(name: str, entry_points: str, *, version: str = "1.0", **modules: str) -> None:
        info = site / f"{name}-{version}.dist-info"
        info.mkdir()
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (info / "METADATA").write_text(text)
        (info / "entry_points.txt").write_text(entry_points)
        for module, source in modules.items():
            (site / f"{module}.py").write_text(source)
        importlib.invalidate_caches()  # a folder that changes twice within a tick looks unchanged
        find_plugins.cache_clear()

    yield install
    for module in set(sys.modules) - known:
        if str(site) in str(getattr(sys.modules[module], "__file__", "")):
            del sys.modules[module]
    find_plugins.cache_clear()


@pytest.fixture
def smooth() -> np.ndarray:
    """A picture ``(96, 120, 3)`` uint8 without sharp edges."""
    rows, columns = np.mgrid[0:96, 0:120]
    waves = [np.sin(rows / 13 + shift) * np.cos(columns / 17 - shift) for shift in (0, 1, 2)]
    return np.rint(127.5 + 100 * np.stack(waves, axis=2)).astype(np.uint8)


@pytest.fixture
def random() -> np.random.Generator:
    """Random numbers that are the same whichever tests ran before."""
    return np.random.default_rng(0)


@pytest.fixture
def memory() -> Iterator[MemoryFileSystem]:
    """The file system of ``memory://``, empty again afterwards."""
    system = fsspec.filesystem("memory")
    yield system
    system.rm("/", recursive=True)
