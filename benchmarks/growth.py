"""Memory and time per item as a folder grows; both should stay constant.

    python benchmarks/growth.py [--items 1000 10000 100000] [--workers auto] [--kind processes]

Classifies small pictures (links to 1,000 of 64 x 64) with a convnet of two layers, evidence,
ledger, CSV and HTML report, each number of items in a separate process. Prints the milliseconds per
item for finding, classifying and reporting; the slowest tenth of the classification as a multiple
of the median tenth; and the memory of the main process after 1,000 items, at the end of the
classification, and after the reports.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.torch import save_file

from diascope.card import WEIGHTS_FILE, Label, ModelCard, file_digest, write_card
from diascope.network import Network, build_head
from diascope.pipeline import compose
from diascope.plugin_creation import make_backbone
from diascope.recipe import read_recipe
from diascope.runner import RunRequest, run

LAYERS = [{"conv": {"filters": 8, "stride": 2}}, {"conv": {"filters": 8, "stride": 2}}]
DIFFERENT = 1000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--workers", default="auto")
    parser.add_argument("--kind", choices=["processes", "threads"], default="processes")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*map(Path, options.one))))
        return
    print(f"workers {options.workers}, {options.kind}; milliseconds per item, memory in MB\n")
    print(
        "| items | find | classify | slowest tenth | report | after 1,000 | classified | reported |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        recipe = write_recipe(work, options.workers, options.kind)
        for count in options.items:
            draw_pictures(work / f"{count}", count)
            row = measure_in_subprocess(recipe, work / f"{count}")
            print(
                f"| {count:,} | {' | '.join(f'{value:.2f}' for value in row.values())} |",
                flush=True,
            )


def write_recipe(work: Path, workers: str, kind: str) -> Path:
    """Write a recipe with random weights for 32 x 32 and three labels; return its path."""
    backbone = make_backbone("convnet", {"layers": LAYERS})
    weights = work / "weights"
    weights.mkdir()
    network = Network(backbone.build(), build_head("linear", backbone.features, 3))
    save_file(network.state_dict(), weights / WEIGHTS_FILE)
    card = ModelCard(
        name="growth",
        task="multiclass",
        labels=(Label("red"), Label("green"), Label("blue")),
        size=(32, 32),
        backbone="convnet",
        backbone_parameters={"layers": LAYERS},
        mean=(0.5, 0.5, 0.5),
        std=(0.25, 0.25, 0.25),
        score_kind="softmax",
        digest=file_digest(weights / WEIGHTS_FILE),
    )
    write_card(card, weights)
    recipe = {
        "read": "image",
        "preprocess": [{"resize": {"size": 32}}],
        "model": {"classifier": {"weights": str(weights)}},
        "report": ["csv", "html"],
        "run": {"workers": workers if workers == "auto" else int(workers), "device": "cpu"}
        | {"engine": "torch", "executor": {"local": {"kind": kind}}},
    }
    path = work / "growth.yaml"
    path.write_text(json.dumps(recipe))
    return path


def draw_pictures(folder: Path, count: int) -> None:
    """Write different pictures, and hard links to them, each of which is a separate item."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(min(count, DIFFERENT)):
        pixels = random.integers(0, 56, (64, 64, 3)) + random.integers(0, 200, 3)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number:06d}.jpg", quality=90)
    for number in range(DIFFERENT, count):
        os.link(folder / f"{number % DIFFERENT:06d}.jpg", folder / f"{number:06d}.jpg")


def measure_in_subprocess(recipe: Path, pictures: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", str(recipe), str(pictures)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    row: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return row


def measure(recipe: Path, pictures: Path) -> dict[str, float]:
    """Run the recipe on a folder, and return its times and memory."""
    pipeline = compose(read_recipe(str(recipe)))
    pipeline.load()
    times, memory = [time.perf_counter()], [0.0]

    def watch(counts: dict[str, int], worked: int) -> None:
        times.append(time.perf_counter())
        if worked <= DIFFERENT or not counts["pending"]:
            memory.append(resident_memory())

    output = pictures.with_name(f"{pictures.name}-results")
    outcome = run(pipeline, RunRequest([str(pictures)], output), watch)
    reported = resident_memory()
    assert outcome.profile is not None
    count, spent = outcome.counts["found"], outcome.profile.spent
    assert outcome.counts["ok"] == count
    return {
        "find": 1000 * spent["find"].wall / count,
        "classify": 1000 * outcome.profile.seconds / count,
        "slowest tenth": slowest_tenth(times[2:]),
        "report": 1000 * spent["report"].wall / count,
        "after 1,000": memory[-2],
        "classified": memory[-1],
        "reported": reported,
    }


def slowest_tenth(times: list[float]) -> float:
    """Return the slowest tenth of the steps between these times as a multiple of the median."""
    edges = [times[round(part * (len(times) - 1) / 10)] for part in range(11)]
    tenths = [after - before for before, after in itertools.pairwise(edges)]
    return max(tenths) / statistics.median(tenths)


def resident_memory() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
