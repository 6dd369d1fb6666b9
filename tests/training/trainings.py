"""Trainings that take a second: coloured pictures, their table, and a recipe."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from diascope.card import ModelCard
from diascope.recipe import read_recipe

COLOURS = {"red": (200, 60, 60), "green": (60, 200, 60), "blue": (60, 60, 200)}
LAYERS = [{"conv": {"filters": 8, "norm": "batch"}}, {"pool": {}}, {"conv": {"filters": 8}}]


def write_table(folder: Path, labels: list[str], *, size: int = 16, pairs: int = 10) -> Path:
    """Write pictures of each label (colours, joined by bars), two a group, and their table."""
    random, lines = np.random.default_rng(5), ["path,label,group"]
    folder.mkdir(parents=True, exist_ok=True)
    for place, label in enumerate(labels):
        tints = [COLOURS[colour] for colour in label.split("|") if colour]
        tint = np.max(tints, axis=0) if tints else np.full(3, 60)
        for number in range(pairs * 2):
            name = f"{place}-{number:02}.png"
            noise = random.integers(-40, 40, (size, size, 3))
            Image.fromarray((tint + noise).clip(0, 255).astype(np.uint8)).save(folder / name)
            lines.append(f"{name},{label},{place}-{number // 2}")
    table = folder / "table.csv"
    table.write_text("\n".join(lines) + "\n")
    return table


def with_splits(table: Path) -> Path:
    """Give a table of ten groups a label a column ``split``: the last two are held out."""
    header, *lines = table.read_text().splitlines()
    parts = [*["train"] * 8, "validation", "test"]
    rows = [f"{line},{parts[int(line.rpartition('-')[2])]}" for line in lines]
    table.write_text("\n".join([f"{header},split", *rows]) + "\n")
    return table


def write_training(path: Path, table: Path, *, size: int = 16, **train: Any) -> Path:
    """Write a training recipe with quick settings."""
    quick = {"epochs": 4, "batch": 8, "learning_rate": 0.02, "dropout": 0.0, "test": 0.3}
    known = {"table": str(table), "backbone": {"convnet": {"layers": LAYERS}}, "validation": 0.2}
    recipe = {
        "preprocess": [{"resize": {"size": size}}],
        "model": "classifier",
        "run": {"workers": 0},
        "train": {**known, **quick, **train},
    }
    path.write_text(json.dumps(recipe))
    return path


def train(recipe: Path, directory: Path, *overrides: str) -> ModelCard:
    from diascope.training.train import train as run_training

    read = read_recipe(str(recipe), overrides)
    return run_training(read, directory, lambda progress: None, print, "a test")
