"""A pipeline of fake plugins that fail on purpose, and fixtures that run it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diascope.aggregation import aggregate_scores
from diascope.card import ModelCard
from diascope.pipeline import Pipeline
from diascope.plugins import Plugin
from diascope.preparation import Part, Preparation
from diascope.recipe import Recipe, Reference, RunOptions
from diascope.sample import Item, Prediction, Sample

UNLUCKY, NOT_A_NUMBER, NO_PREDICTION, TOO_FEW = 13, 99, 98, 97


@dataclass(frozen=True)
class Numbers:
    """Reads a text file; each number is a frame of that brightness."""

    def sniff(self, path: str, head: bytes) -> int:
        return 0 if head.startswith(b"#") else 50

    def read(self, item: Item) -> Iterator[Sample]:
        with item.open() as file:
            for frame, word in enumerate(file.read().split()):
                yield Sample(item, np.full((1, 1, 1), int(word), np.uint8), frame=frame)


@dataclass
class Brightness:
    """Predicts the brightness as the score; fails on some; remembers the batches it was given."""

    batches: list[list[int]] = field(default_factory=list)

    def predict(self, samples: Sequence[Sample]) -> Any:
        values = [int(sample.pixels.max()) for sample in samples]
        self.batches.append(values)
        if UNLUCKY in values:
            raise ValueError("an unlucky number")
        if TOO_FEW in values:
            return []
        return [self._one(sample, value) for sample, value in zip(samples, values, strict=True)]

    def _one(self, sample: Sample, value: int) -> Any:
        if value == NO_PREDICTION:
            return None
        bright = float("nan") if value == NOT_A_NUMBER else value / 100
        scores = {"dark": 1 - bright, "bright": bright}
        return Prediction(sample.item, scores, "softmax", ("bright",))

    def aggregate(self, item: Item, predictions: Iterator[Prediction]) -> Prediction:
        rows = np.array([list(p.scores.values()) for p in predictions])
        if len(rows) == 4:
            raise RuntimeError("four is too many")
        scores = aggregate_scores(rows, "mean", 1, sums_to_one=False)
        if len(rows) == 5:
            scores = scores * float("nan")
        named = dict(zip(("dark", "bright"), scores.tolist(), strict=True))
        return Prediction(item, named, "softmax", ("bright",), samples=len(rows))


@dataclass(frozen=True)
class FakeModel:
    card: ModelCard
    loaded: list[Brightness] = field(default_factory=list)

    def load(self, runtime: Any) -> Brightness:
        self.loaded.append(Brightness())
        return self.loaded[-1]


def part(kind: str, instance: Any, name: str = "") -> Part[Any]:
    return Part(Plugin(kind, name or f"fake-{kind}", "fake", "1.0", "fake:Fake"), instance)


def step(name: str, call: Any) -> Part[Any]:
    return part("preprocessing", call, name)


@pytest.fixture
def pipeline(make_card: Callable[..., ModelCard]) -> Pipeline:
    recipe = Recipe("fake", Path("fake.yaml"), Reference("model", "fake-model", {}, ""))
    return Pipeline(
        recipe=replace(recipe, run=RunOptions(batch=4, device="cpu")),
        preparation=Preparation((part("reader", Numbers()),), (), block=3),
        model=part("model", FakeModel(make_card())),
        reports=(),
        executor=part("executor", None),
    )


@pytest.fixture
def run(pipeline: Pipeline, make_item: Callable[..., Item]) -> Callable[..., list[Any]]:
    """Return a function from the content of files to the records of the pipeline."""

    def run(*contents: str) -> list[Any]:
        items = [make_item(text.encode(), f"{i}.txt") for i, text in enumerate(contents)]
        prepared = ((item, block) for item in items for block in pipeline.prepare(item))
        records = list(pipeline.finish(prepared))
        assert [record.item for record in records] == items
        return records

    return run
