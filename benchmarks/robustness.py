"""How much a model loses when pictures come from another camera, crop or archive.

    python benchmarks/robustness.py RECIPE TABLE [--split test] [--items 600]

Alters the held-out pictures before preprocessing, in one way at a time, and prints macro AUC,
balanced accuracy and calibration error. This simulates other collections only in part: other
people and diseases are not simulated.
"""

import argparse
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from diascope.evaluation.labelled_scores import LabelledScores
from diascope.evaluation.metrics import estimate_metrics
from diascope.pipeline import compose
from diascope.preparation import Preparation
from diascope.recipe import read_recipe
from diascope.sample import Sample
from diascope.table import Example, read_table
from diascope.training.dataset import first_sample

Pixels = NDArray[np.uint8]
METRICS = ("auc_macro", "auc", "balanced_accuracy", "ece")


def crop(share: float) -> Callable[[Pixels], Pixels]:
    """Return a function that keeps the middle, like a closer view."""

    def change(pixels: Pixels) -> Pixels:
        rows, columns = (round(side * (1 - share) / 2) for side in pixels.shape[:2])
        return pixels[rows : pixels.shape[0] - rows, columns : pixels.shape[1] - columns]

    return change


def widen(share: float) -> Callable[[Pixels], Pixels]:
    """Return a function that mirrors the borders outwards, like a view from farther away."""

    def change(pixels: Pixels) -> Pixels:
        rows, columns = (round(side * share / 2) for side in pixels.shape[:2])
        return np.pad(pixels, ((rows, rows), (columns, columns), (0, 0)), mode="reflect")

    return change


def crop_square(pixels: Pixels) -> Pixels:
    """Keep the middle square, so that resizing does not change its proportions."""
    side = min(pixels.shape[:2])
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    return pixels[top : top + side, left : left + side]


def blur(pixels: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(1.2)))


def compress(pixels: Pixels) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=30)
    return np.asarray(Image.open(file))


def tint(pixels: Pixels) -> Pixels:
    return (pixels * [1.2, 1.0, 0.8]).clip(0, 255).astype(np.uint8)


def darken(pixels: Pixels) -> Pixels:
    return (255 * (pixels / 255) ** 1.5).astype(np.uint8)


def vignette(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot(rows - height / 2, columns - width / 2)
    radius = 0.95 * min(height, width) / 2
    inside = 1 - ((distance - radius) / (0.1 * radius)).clip(0, 1)
    return (pixels * inside[:, :, None]).astype(np.uint8)


WAYS: dict[str, Callable[[Pixels], Pixels]] = {
    "as they are": lambda pixels: pixels,
    "middle 70 %": crop(0.7),
    "from 1.4 times as far": widen(0.4),
    "middle square": crop_square,
    "blurred (sigma 1.2 px)": blur,
    "JPEG quality 30": compress,
    "colour cast": tint,
    "darker (gamma 1.5)": darken,
    "black outside a circle": vignette,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe")
    parser.add_argument("table", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--items", type=int, default=600)
    options = parser.parse_args()

    pipeline = compose(read_recipe(options.recipe, ["run.evidence=none"]))
    predictor, card = pipeline.load(), pipeline.model.instance.card
    rows = [row for row in read_table(options.table, card.task) if row.split == options.split]
    places = np.random.default_rng(0).permutation(len(rows))[: options.items]
    rows = [rows[place] for place in sorted(places)]
    reader = replace(pipeline.preparation, steps=())
    names = card.names

    for way, change in WAYS.items():
        samples = []
        for row in rows:
            sample = first_sample(row, reader)
            sample = sample.changed(np.ascontiguousarray(change(sample.pixels)), way)
            samples.append(apply_steps(sample, pipeline.preparation))
        answers = [
            answer
            for start in range(0, len(samples), 32)
            for answer in predictor.predict(samples[start : start + 32])
        ]
        scored = LabelledScores(
            names=names,
            task=card.task,
            items=tuple(row.name for row in rows),
            groups=tuple(row.group for row in rows),
            targets=np.array([[target(row, name) for name in names] for row in rows]),
            scores=np.array([list(answer.scores.values()) for answer in answers]),
            predicted=np.array([[name in a.predicted for name in names] for a in answers]),
            score_kind=card.score_kind,
        )
        found = estimate_metrics(scored, draws=200)
        cells = [f"{name} {format_figure(found[name])}" for name in METRICS if name in found]
        print(f"{way:<24} {'  '.join(cells)}", flush=True)


def target(row: Example, name: str) -> float:
    return float("nan") if name in row.unknown else float(name in row.labels)


def format_figure(figure: dict[str, float]) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f}-{figure['high']:.3f})"


def apply_steps(sample: Sample, preparation: Preparation) -> Sample:
    for step in preparation.steps:
        sample = step.instance(sample)
    return sample


if __name__ == "__main__":
    main()
