"""Overhead per item of the executor ``ray`` compared with ``local``, in interleaved rounds.

    python benchmarks/ray_overhead.py [--pictures 2000] [--rounds 5] [--batch 32] [--cores N]

Both classify JPEG photographs of 600 x 450 with the same small network (three convolutions, random
weights), so that the executor's overhead shows. ``local`` has as many worker processes as ``ray``
has actors: one per core, each with one thread. ``local, 0 workers`` does everything in one process
and thread. Start-up is excluded for both: the cluster of one node is already running, and only the
second half of the pictures is timed, when all processes have long been busy. Ledger, digests and
reports, which are the same for both, are left out. Prints pictures per second, core milliseconds
per picture, and how many more of these ``ray`` takes than one process does.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported, here and in all processes

import torch
from end_to_end import draw_photographs
from machine import describe_machine, format_table, run_interleaved
from safetensors.torch import save_file

from diascope.card import WEIGHTS_FILE, Label, ModelCard, file_digest, write_card
from diascope.contracts import Executor
from diascope.network import Network, build_head
from diascope.pipeline import compose
from diascope.plugin_creation import make_backbone
from diascope.recipe import read_recipe
from diascope.sample import Item, Prediction
from diascope_ray.cluster import connect_cluster

LAYERS = [{"conv": {"filters": 16, "stride": 2}}] * 3
RECIPE = """\
name: overhead
read: image
preprocess:
  - resize: {{size: 224}}
model:
  classifier: {{weights: {weights}}}
run: {{workers: {workers}, batch: {batch}, device: cpu, engine: torch, evidence: none,
  executor: {executor}}}
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    cores = options.cores
    wanted = {
        "local, 0 workers": (0, "local"),
        f"local, {cores} workers": (cores, "local"),
        "ray, 1 actor": (0, "{ray: {actors: 1, cpus_per_actor: 1}}"),
        f"ray, {cores} actors": (0, f"{{ray: {{actors: {cores}, cpus_per_actor: 1}}}}"),
    }
    with tempfile.TemporaryDirectory() as folder, connect_cluster("local"):
        pictures = Path(folder) / "pictures"
        pictures.mkdir()
        draw_photographs(pictures, options.pictures)
        weights = write_weights(Path(folder) / "weights")
        items = [Item(path.name, str(path)) for path in sorted(pictures.iterdir())]
        ways = {
            name: make_timed_run(items, weights, options.batch, workers, executor)
            for name, (workers, executor) in wanted.items()
        }
        rates = run_interleaved(ways, options.rounds)
    print(f"{options.pictures} photographs, batch {options.batch}, medians of {options.rounds}")
    print(
        f"{describe_machine()}\n\n{format_table(rates, rates['local, 0 workers'], 'pictures/s')}\n"
    )
    base = 1000 / rates["local, 0 workers"]
    for name, count in (("ray, 1 actor", 1), (f"ray, {cores} actors", cores)):
        each = 1000 * count / rates[name]
        print(f"{name}: {each:.2f} core ms per picture, {each - base:+.2f} ms against local")


def make_timed_run(
    items: list[Item], weights: Path, batch: int, workers: int, executor: str
) -> Callable[[], float]:
    """Return a function that executes the run and returns pictures per second."""
    recipe = weights.parent / f"{len(list(weights.parent.glob('*.yaml')))}.yaml"
    recipe.write_text(
        RECIPE.format(weights=weights, batch=batch, workers=workers, executor=executor)
    )
    pipeline = compose(read_recipe(str(recipe)))
    pipeline.load()
    chosen: Executor = pipeline.executor.instance

    def run() -> float:
        chunks = [items[start : start + batch] for start in range(0, len(items), batch)]
        ran = chosen.run(pipeline, iter(chunks))
        half = [next(ran) for _ in range(len(chunks) // 2)]
        start = time.perf_counter()
        rest = list(ran)
        seconds = time.perf_counter() - start
        records = list(chain.from_iterable([*half, *rest]))
        assert len(records) == len(items)
        assert all(isinstance(record, Prediction) for record in records)
        return sum(map(len, rest)) / seconds

    return run


def write_weights(folder: Path) -> Path:
    """Write a classifier folder with a fast network; return its path."""
    torch.manual_seed(0)
    backbone = make_backbone("convnet", {"layers": LAYERS})
    network = Network(backbone.build(), build_head("linear", backbone.features, 7))
    folder.mkdir()
    save_file(network.state_dict(), folder / WEIGHTS_FILE)
    card = ModelCard(
        name="overhead",
        task="multiclass",
        labels=tuple(Label(f"label{number}") for number in range(7)),
        size=(224, 224),
        backbone="convnet",
        backbone_parameters={"layers": LAYERS},
        mean=(0.5,) * 3,
        std=(0.25,) * 3,
        score_kind="softmax",
        digest=file_digest(folder / WEIGHTS_FILE),
    )
    write_card(card, folder)
    return folder


if __name__ == "__main__":
    main()
