"""How far engines change the scores of real pictures, compared with torch in float32.

    python benchmarks/parity.py RECIPE TABLE [--items 256]

TABLE has a column ``path``. Uses the first pictures that the recipe can prepare, one view each, and
prints for every installed engine and precision the largest, the 99 % and the median change of a
score, and how many decisions flip; then the same for the drawn reference pictures, the only ones
that the parity gate uses.
"""

import argparse
import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from machine import describe_machine
from numpy.typing import NDArray

from diascope.card import ModelCard
from diascope.contracts import Runtime
from diascope.decision import decide, scores_from_logits
from diascope.engines.open_engines import REFERENCE, EngineLoader
from diascope.engines.outputs import Engine
from diascope.engines.reference_pictures import draw_reference_pictures
from diascope.network_input import to_network_input
from diascope.pipeline import Pipeline, compose
from diascope.plugin_creation import make_backbone
from diascope.recipe import read_recipe
from diascope.sample import Item

BATCH = 32
Floats = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe")
    parser.add_argument("table", type=Path)
    parser.add_argument("--items", type=int, default=256)
    options = parser.parse_args()
    pipeline = compose(read_recipe(options.recipe))
    model = pipeline.model.instance
    card, weights = model.card, Path(getattr(model, "weights"))  # noqa: B009 - not of all models
    runtime = Runtime("cpu", "all", make_backbone, engine="auto", precision="auto")
    opening = EngineLoader(card, weights, runtime)
    real = np.stack(list(islice(prepare_pictures(pipeline, options.table), options.items)))
    print(f"{card.name}; {describe_machine()}\n")
    print("| pictures | engine | largest change | 99 % | median | decisions that flip |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, pictures in (
        ("real", real),
        ("drawn", draw_reference_pictures(card.size, card.channels)),
    ):
        right = compute_scores(opening.open(REFERENCE), pictures, card)
        for candidate in opening.candidates():
            if candidate != REFERENCE:
                row = compare(right, compute_scores(opening.open(candidate), pictures, card), card)
                print(f"| {len(pictures)} {name} | {' '.join(candidate)} | {row} |", flush=True)


def prepare_pictures(pipeline: Pipeline, table: Path) -> Iterator[NDArray[np.float32]]:
    """Yield the network's input for the first frame of each picture."""
    card = pipeline.model.instance.card
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            path = table.parent / row["path"]
            block = next(iter(pipeline.prepare(Item(row["path"], str(path.absolute())))))
            if isinstance(block, list | tuple):
                yield to_network_input(block[0], card.size, card.channels)


def compute_scores(engine: Engine, pictures: NDArray[np.float32], card: ModelCard) -> Floats:
    parts = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
    return scores_from_logits(np.concatenate([engine.run(part).logits for part in parts]), card)


def compare(right: Floats, other: Floats, card: ModelCard) -> str:
    changes = np.abs(right - other).max(axis=1)
    pairs = zip(right, other, strict=True)
    flips = sum(decide_row(one, card) != decide_row(two, card) for one, two in pairs)
    numbers = (changes.max(), np.quantile(changes, 0.99), np.median(changes))
    return " | ".join([*(f"{number:.2g}" for number in numbers), str(flips)])


def decide_row(row: Floats, card: ModelCard) -> tuple[str, ...]:
    return decide(dict(zip(card.names, row.tolist(), strict=True)), card)


if __name__ == "__main__":
    main()
