"""Speed of training by ``pipeline train`` and by a typical MONAI loop.

    python benchmarks/training.py [--pictures 2048] [--rounds 3] [--size 192]

Both sides train EfficientNet-Lite0 on the same drawn JPEGs of 200 x 150, batch 32, AdamW, with the
MONAI transforms that ``derm-train.yaml`` names. The loop reads with LoadImage, Resize and a
DataLoader, with one worker and with one per core; its network is PyTorch eager, in float32 and
under bfloat16 autocast. Ours uses ``precision: bf16-mixed``, which becomes float32 on processors
without fast bfloat16, in one process and in one per core.
Both use the CPU. Our rate is measured between progress lines, which are ten seconds apart, so that
neither start-up nor inspection counts: use more pictures on a fast machine.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ["THP_MEM_ALLOC_ENABLE"] = "0"  # here runs the peer, as its users run it

import numpy as np
import torch
from machine import describe_machine, format_table, run_interleaved
from monai import transforms
from monai.data import DataLoader, Dataset
from PIL import Image
from torch.nn import functional

from diascope.backbones.efficientnet_lite import EfficientNetLite0
from diascope.document import read_document
from diascope.network import Network, build_head

BATCH, LABELS, CORES = 32, 7, len(os.sched_getaffinity(0))
LOOPED = 512  # pictures are enough for the loop, whose rate is steady
PLAIN = Path(__file__).parents[1] / "pipelines" / "derm-train.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=2048, help="to train on")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=192)
    options = parser.parse_args()
    written = read_document(PLAIN).plain()["train"]["augment"]
    augment = [each for each in written if hasattr(transforms, next(iter(each)))]
    with tempfile.TemporaryDirectory() as folder:
        paths = draw_pictures(Path(folder), options.pictures)
        recipe = write_recipe(Path(folder), augment, options)
        ways: dict[str, Callable[[], float]] = {
            f"MONAI loop, {workers} workers, {name}": partial(
                time_loop, paths[:LOOPED], augment, options.size, workers, half=half
            )
            for workers in sorted({1, CORES})
            for name, half in (("float32", False), ("bfloat16", True))
        }
        for processes in sorted({1, CORES}):
            ways[f"pipeline train, devices: {processes}"] = partial(time_ours, recipe, processes)
        rates = run_interleaved(ways, options.rounds)
    print(f"EfficientNet-Lite0, {options.size} x {options.size}; {describe_machine()}\n")
    best = max(rate for name, rate in rates.items() if name.startswith("MONAI"))
    print(format_table(rates, best, "pictures/s"))


def draw_pictures(folder: Path, count: int) -> list[Path]:
    """Draw pictures and their table; a sixteenth more are added for validation."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(count + count // 16):
        coarse = Image.fromarray(random.integers(0, 255, (15, 20, 3), dtype=np.uint8))
        name = f"{number:05d}.jpg"
        coarse.resize((200, 150), Image.Resampling.BICUBIC).save(folder / name, quality=90)
        split = "train" if number < count else "validation"
        rows.append({"path": name, "label": f"kind-{number % LABELS}", "split": split})
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return [folder / row["path"] for row in rows[:count]]


def write_recipe(folder: Path, augment: list[Any], options: argparse.Namespace) -> Path:
    train = {
        "table": "table.csv",
        "backbone": "efficientnet-lite0",
        "augment": augment,
        "epochs": 1,
        "batch": BATCH,
        "precision": "bf16-mixed",
    }
    recipe = {
        "name": "benchmark",
        "preprocess": [{"resize": {"size": options.size}}],
        "model": {"classifier": {"weights": "weights"}},
        "train": train,
    }
    path = folder / "train.yaml"
    path.write_text(json.dumps(recipe), encoding="utf-8")
    return path


def time_loop(
    paths: list[Path], augment: list[Any], size: int, workers: int, *, half: bool
) -> float:
    """Return the pictures per second of a typical loop after its first step."""
    steps = transforms.Compose(
        [
            transforms.LoadImage(image_only=True),
            transforms.EnsureChannelFirst(),
            transforms.Resize((size, size)),
            transforms.ScaleIntensity(),
            *(
                getattr(transforms, name)(**values)
                for each in augment
                for name, values in each.items()
            ),
        ]
    )
    backbone = EfficientNetLite0()
    network = Network(backbone.build(), build_head("linear", backbone.features, LABELS)).train()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-4)
    data = Dataset([str(path) for path in paths], steps)
    start, done = 0.0, 0
    for pictures in DataLoader(data, batch_size=BATCH, num_workers=workers, drop_last=True):
        targets = torch.arange(BATCH) % LABELS
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = network(pictures.as_tensor().float())
        loss = functional.cross_entropy(logits.float(), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        done += BATCH if start else 0
        start = start or perf_counter()
    return done / (perf_counter() - start)


def time_ours(recipe: Path, processes: int) -> float:
    """Return the pictures per second of ``pipeline train`` between first and last progress line."""
    with tempfile.TemporaryDirectory(dir=recipe.parent) as output:
        command = [sys.executable, "-m", "diascope", "train", str(recipe), "--output", output]
        command += ["--set", f"train.devices={processes}"]
        progress: list[tuple[float, int]] = []
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "THP_MEM_ALLOC_ENABLE": "1"}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            for line in process.stderr or ():
                if " step " in line and "validation" not in line:
                    progress.append((perf_counter(), int(line.split(" step ")[1].split("/")[0])))
        if process.returncode or len(progress) < 2:
            raise RuntimeError(f"{command} reported {progress}; use more --pictures")
    (begin, first), (end, last) = progress[0], progress[-1]
    return BATCH * (last - first) / (end - begin)


if __name__ == "__main__":
    main()
