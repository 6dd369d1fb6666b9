"""The same pictures through ``pipeline run`` and through the loop that a MONAI user would write.

    python benchmarks/folder.py [--pictures 2000] [--rounds 3]

Both sides classify JPEG photographs of 600 x 450 with the same DenseNet-121 (random weights, seven
labels) at 224 x 224, batch 32, on this machine. The rounds are interleaved; the loop runs with 0
and with 2 DataLoader workers and the better one counts. Start-up is left out of both: the loop is
timed in a warm process, the pipeline by its own ``classify`` lap (the network is loaded before).
Prints images per second and the ratio.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from monai.data import DataLoader, Dataset
from monai.networks.nets import DenseNet121
from monai.transforms import Compose, LoadImaged, Resized, ScaleIntensityd
from PIL import Image
from safetensors.torch import save_file

from diascope.card import WEIGHTS_FILE, Label, ModelCard, file_digest, write_card
from diascope.network import Network, build_head
from diascope.pipeline import make_backbone

RECIPE = """\
name: benchmark
read: image
preprocess:
  - resize: {{size: 224}}
model:
  classifier: {{weights: {weights}}}
report: [csv]
run: {{batch: 32, device: cpu, evidence: none}}
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        paths = draw_pictures(work / "pictures", options.pictures)
        recipe = write_weights(work)
        rates: dict[str, list[float]] = {}
        for number in range(options.rounds):
            for workers in (0, 2):
                rates.setdefault(f"MONAI loop, {workers} workers", []).append(
                    monai_loop(paths, workers)
                )
            for workers in ("0", "auto"):
                name = f"pipeline run, {workers} workers"
                rates.setdefault(name, []).append(
                    pipeline_run(recipe, work, f"{workers}-{number}", workers)
                )
    report(rates, options.pictures)


def draw_pictures(folder: Path, count: int) -> list[Path]:
    """Smooth random colour fields: they compress and decode about like photographs."""
    folder.mkdir()
    random = np.random.default_rng(0)
    paths = []
    for number in range(count):
        coarse = random.integers(0, 255, (30, 40, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((600, 450), Image.Resampling.BICUBIC)
        noise = random.integers(0, 12, (450, 600, 3), dtype=np.uint8)
        paths.append(folder / f"{number:05d}.jpg")
        Image.fromarray(np.asarray(picture) // 2 + noise + 60).save(paths[-1], quality=90)
    return paths


def write_weights(work: Path) -> Path:
    """A classifier folder with a DenseNet-121, and the recipe that names it."""
    torch.manual_seed(0)
    backbone = make_backbone("densenet121", {})
    network = Network(backbone.build(), build_head("linear", backbone.features, 7))
    weights = work / "weights"
    weights.mkdir()
    save_file(network.state_dict(), weights / WEIGHTS_FILE)
    labels = tuple(Label(f"label{number}") for number in range(7))
    card = ModelCard(
        name="benchmark",
        task="multiclass",
        labels=labels,
        size=(224, 224),
        backbone="densenet121",
        mean=backbone.mean,
        std=backbone.std,
        score_kind="softmax",
        digest=file_digest(weights / WEIGHTS_FILE),
    )
    write_card(card, weights)
    recipe = work / "benchmark.yaml"
    recipe.write_text(RECIPE.format(weights=weights))
    return recipe


def monai_loop(paths: list[Path], workers: int) -> float:
    """Images per second of the usual loop."""
    steps = Compose(
        [
            LoadImaged(keys="image", ensure_channel_first=True),
            Resized(keys="image", spatial_size=(224, 224)),
            ScaleIntensityd(keys="image"),
        ]
    )
    data = Dataset([{"image": str(path)} for path in paths], steps)
    network = DenseNet121(spatial_dims=2, in_channels=3, out_channels=7).eval()
    start = time.perf_counter()
    scores = []
    with torch.no_grad():
        for batch in DataLoader(data, batch_size=32, num_workers=workers):
            scores.append(network(batch["image"]).softmax(1))
    assert len(torch.cat(scores)) == len(paths)
    return len(paths) / (time.perf_counter() - start)


def pipeline_run(recipe: Path, work: Path, name: str, workers: str) -> float:
    """Images per second of ``pipeline run``, ledger and content digests included."""
    output = work / f"results-{name}"
    command = [sys.executable, "-m", "diascope", "run", str(recipe), str(work / "pictures")]
    command += ["--output", str(output), "--workers", workers, "--quiet"]
    subprocess.run(command, check=True)
    run = json.loads((output / "run.json").read_text())
    assert run["counts"]["ok"] == run["counts"]["found"]
    return float(run["timings"]["items_per_second"])


def report(rates: dict[str, list[float]], pictures: int) -> None:
    medians = {name: statistics.median(each) for name, each in rates.items()}
    best = max(rate for name, rate in medians.items() if name.startswith("MONAI"))
    print(f"{pictures} JPEG pictures of 600 x 450, DenseNet-121, float32, {platform.platform()}, ")
    print(
        f"{torch.get_num_threads()} threads, torch {torch.__version__}; medians of "
        f"{len(next(iter(rates.values())))} interleaved rounds\n"
    )
    print("| | images/s | ratio to the better MONAI loop |\n| --- | --- | --- |")
    for name, rate in medians.items():
        print(f"| {name} | {rate:.1f} | {rate / best:.2f} |")


if __name__ == "__main__":
    main()
