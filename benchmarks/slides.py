"""Classify a whole slide by ``pipeline run`` and by a typical OpenSlide loop.

    python benchmarks/slides.py [--size 40000] [--small 10000] [--timed 22500] [--rounds 5]

Memory: the peaks of two runs, on a slide with a side of ``--size`` pixels and one of ``--small``.
Speed: tiles per second on a slide with a side of ``--timed`` pixels, about 2,000 tiles. Both sides
classify the same tiles with the same network at the same spacing, ours in the engine that `auto`
selects. The loop is ``read_region`` and Pillow's resize in a DataLoader without workers, batch 32,
eager under ``no_grad``; it is given the tiles with tissue. Ours finds them itself, computes
evidence maps, and keeps checkpoints and digests. Start-up is excluded for both: the loop is timed
in a warm process, the pipeline by its own ``classify`` time. Rounds are interleaved.

The weights are those of an installed model, by default ``derm-lesion``: an EfficientNet-Lite0, as
the tissue models are. Only speed is measured; the answers mean nothing here.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["THP_MEM_ALLOC_ENABLE"] = "0"  # here runs the peer, as its users run it

import numpy as np
import pyarrow.parquet as pq
import slide_maker
import torch
from machine import describe_machine
from numpy.typing import NDArray
from openslide import OpenSlide
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from diascope.classifier import Classifier
from diascope.pipeline import Pipeline, compose
from diascope.recipe import read_recipe
from diascope.sample import Item

SPACING_UM, BATCH = 0.65, 32
RECIPE = """\
name: benchmark
read:
  slide: {{spacing_um: {spacing}, tile: {tile}}}
preprocess: []
model:
  {model}: {{test_time: none}}
report: [slide-tiles]
run: {{batch: {batch}, device: cpu}}
"""


@dataclass(frozen=True)
class Run:
    """Seconds of classification, peak memory in MiB, and tiles of a ``pipeline run``."""

    seconds: float
    peak: float
    boxes: NDArray[np.int32]

    @property
    def rate(self) -> float:
        return len(self.boxes) / self.seconds


class Tiles(Dataset[torch.Tensor]):
    """A typical dataset: one ``read_region`` and one resize per tile."""

    def __init__(self, path: Path, boxes: NDArray[np.int32], side: int, classifier: Any) -> None:
        self.slide, self.boxes, self.side = OpenSlide(path), boxes, side
        card = classifier.card
        self.mean, self.std = (torch.tensor(each)[:, None, None] for each in (card.mean, card.std))

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, number: int) -> torch.Tensor:
        x, y, width, height = self.boxes[number].tolist()
        region = self.slide.read_region((x, y), 0, (width, height)).convert("RGB")
        small = region.resize((self.side, self.side), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1).float() / 255
        return (pixels - self.mean) / self.std


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=40_000, help="pixels of a side; 0 for none")
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--timed", type=int, default=22_500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default="derm-lesion")
    parser.add_argument(
        "--folder", type=Path, help="where slides are kept from one call to another"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        slides = options.folder or work
        slides.mkdir(parents=True, exist_ok=True)
        recipe = write_recipe(work, options.model)
        print(f"{options.model}, {describe_machine()}\n")
        if options.size:
            print_memory(
                recipe, work, [make_slide(slides, size) for size in (options.small, options.size)]
            )
        print_speed(recipe, work, make_slide(slides, options.timed), options.rounds)


def make_slide(folder: Path, size: int) -> Path:
    path = folder / f"slide-{size}.tif"
    if not path.exists():
        unfinished = path.with_suffix(".part")
        slide_maker.draw(unfinished, size)
        unfinished.rename(path)
    return path


def write_recipe(work: Path, model: str) -> Path:
    """Write the recipe, with tiles of the size in the model's card."""
    path = work / "benchmark.yaml"
    values = {"spacing": SPACING_UM, "model": model, "batch": BATCH}
    path.write_text(RECIPE.format(tile=1, **values))
    side, _ = compose(read_recipe(str(path))).model.instance.card.size
    path.write_text(RECIPE.format(tile=side, **values))
    return path


def print_memory(recipe: Path, work: Path, slides: list[Path]) -> None:
    pipeline_run(recipe, work, slides[0], "auto")  # selects the engine, which takes memory once
    runs = [pipeline_run(recipe, work, path, "auto") for path in slides]
    print("| slide | tiles | peak MiB | tiles/s |\n| --- | --- | --- | --- |")
    for path, run in zip(slides, runs, strict=True):
        print(f"| {path.stem} | {len(run.boxes)} | {run.peak:.0f} | {run.rate:.1f} |")
    print(f"\nThe large slide takes {runs[1].peak - runs[0].peak:.0f} MiB more.\n", flush=True)


def print_speed(recipe: Path, work: Path, path: Path, rounds: int) -> None:
    pipeline = compose(read_recipe(str(recipe)))
    classifier: Any = pipeline.load()
    reference = ("run.engine=torch", "run.precision=float32")
    peer: Any = compose(read_recipe(str(recipe), reference)).load()
    rates: dict[str, list[float]] = {}
    boxes = pipeline_run(recipe, work, path, "auto").boxes
    for _ in range(rounds):
        rates.setdefault("OpenSlide loop, 0 workers", []).append(time_loop(path, boxes, peer))
        for workers in ("auto", "0", "1"):
            run = pipeline_run(recipe, work, path, workers)
            rates.setdefault(f"pipeline run, workers: {workers}", []).append(run.rate)
    medians = {name: statistics.median(each) for name, each in rates.items()}
    base = next(iter(medians.values()))
    print(f"{path.stem}, {len(boxes)} tiles, medians of {rounds} interleaved rounds\n")
    print("| | tiles/s | ratio |\n| --- | --- | --- |")
    for name, rate in medians.items():
        print(f"| {name} | {rate:.1f} | {rate / base:.2f} |")
    print("\n| part, alone | loop, ms per tile | ours, ms per tile |\n| --- | --- | --- |")
    for name, one, other in time_parts(path, boxes[:512], pipeline, classifier, peer):
        print(f"| {name} | {one:.1f} | {other:.1f} |")


def pipeline_run(recipe: Path, work: Path, path: Path, workers: str) -> Run:
    """Run the command as a user would, with its own output folder."""
    output = Path(tempfile.mkdtemp(dir=work))
    command = [sys.executable, "-m", "diascope", "run", str(recipe), str(path)]
    command += ["--output", str(output), "--workers", workers, "--quiet"]
    environment = os.environ | {"THP_MEM_ALLOC_ENABLE": "1"}  # as by default
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, session_peak(process.pid))
        time.sleep(0.05)
    assert process.returncode == 0
    run = json.loads((output / "run.json").read_text())
    table = pq.read_table(output / "tiles.parquet", columns=["x", "y", "width", "height"])
    boxes = np.stack([column.to_numpy() for column in table.columns], axis=1)
    return Run(float(run["timings"]["classify"]), peak, boxes)


def session_peak(session: int) -> float:
    """Return the sum of the peak memory of a session's processes in MiB.

    Linux records the peak of each process (``VmHWM``), so none is missed; they need not have
    occurred at the same time.
    """
    kib = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) != session:
                continue
            status = (folder / "status").read_text()
        except OSError:  # it has ended
            continue
        kib += sum(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)
    return kib / 1024


def copy_network(classifier: Classifier) -> torch.nn.Module:
    """Return the network in torch's default memory layout."""
    return deepcopy(classifier.network).to(memory_format=torch.contiguous_format)


def time_loop(path: Path, boxes: NDArray[np.int32], classifier: Classifier) -> float:
    """Return the tiles per second of a typical loop."""
    tiles = Tiles(path, boxes, classifier.card.size[0], classifier)
    network = copy_network(classifier)
    start = time.perf_counter()
    scores = []
    with torch.no_grad():
        for batch in DataLoader(tiles, batch_size=BATCH, num_workers=0):
            scores.append(network(batch).softmax(1))
    assert len(torch.cat(scores)) == len(boxes)
    return len(boxes) / (time.perf_counter() - start)


def time_parts(
    path: Path,
    boxes: NDArray[np.int32],
    pipeline: Pipeline,
    classifier: Classifier,
    peer: Classifier,
) -> Iterator[tuple[str, float, float]]:
    """Yield the name of a part of the work, and milliseconds per tile in the loop and in ours."""
    tiles = Tiles(path, boxes, classifier.card.size[0], classifier)
    reader: Any = pipeline.preparation.readers[0].instance
    samples = []

    def read() -> None:
        for sample, _ in zip(reader.read(Item("slide", str(path))), boxes, strict=False):
            samples.append(sample)

    yield (
        "read and resize",
        ms_per_tile(lambda: [tiles[i] for i in range(len(boxes))], len(boxes)),
        (ms_per_tile(read, len(boxes))),
    )
    batch = torch.stack([tiles[number] for number in range(BATCH)])
    network = copy_network(peer)
    with torch.no_grad():
        network(batch)
        alone = ms_per_tile(lambda: network(batch), BATCH)
    classifier.predict(samples[:BATCH])
    yield "network", alone, ms_per_tile(lambda: classifier.predict(samples[:BATCH]), BATCH)


def ms_per_tile(work: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) / count * 1000


if __name__ == "__main__":
    main()
