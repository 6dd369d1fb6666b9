"""The checks that authors of plugins call find what they are for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from diascope.card import ModelCard
from diascope.contracts import Runtime
from diascope.models.classifier import ClassifierModel
from diascope.pipeline import make_backbone
from diascope.sample import Item, Prediction, Sample
from diascope.testing import check_augmentation, check_model
from tests.runs import write_weights

RUNTIME = Runtime("cpu", "none", make_backbone, engine="torch", precision="float32")


@dataclass(frozen=True)
class Wrong:
    """An augmentation that does one thing that it must not."""

    by: str = ""
    api: ClassVar = (1, 0)

    def __call__(self, picture: Any, random: np.random.RandomState) -> Any:
        if self.by == "in place":
            picture += 0.1
        if self.by == "another size":
            return picture[:, ::2]
        if self.by == "no numbers":
            return picture * np.nan
        if self.by == "its own chance":
            return picture * np.random.default_rng().random()
        return picture * random.random_sample()


def test_an_augmentation_that_keeps_its_contract_passes() -> None:
    check_augmentation(Wrong())


@pytest.mark.parametrize("by", ["in place", "another size", "no numbers", "its own chance"])
def test_an_augmentation_that_does_not_is_told(by: str) -> None:
    with pytest.raises(AssertionError):
        check_augmentation(Wrong(by))


@dataclass(frozen=True)
class Model:
    """A model whose predictor changes what ours answers."""

    inner: ClassifierModel
    change: dict[str, Any]
    api: ClassVar = (1, 0)

    @property
    def card(self) -> ModelCard:
        return self.inner.card

    def load(self, runtime: Runtime) -> Any:
        return Changed(self.inner.load(runtime), self.change)


@dataclass(frozen=True)
class Changed:
    inner: Any
    change: dict[str, Any]

    def predict(self, samples: Sequence[Sample]) -> list[Prediction]:
        return [replace(each, **self.change) for each in self.inner.predict(samples)]

    def aggregate(self, item: Item, predictions: Iterator[Prediction]) -> Prediction:
        whole: Prediction = self.inner.aggregate(item, predictions)
        return whole


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"scores": {"other": 1.0}},
        {"predicted": ("other",)},
        {"item": Item("other", "other")},
        {"score_kind": "logit"},
    ],
    ids=str,
)
def test_a_model_is_checked_against_its_card(tmp_path: Path, change: dict[str, Any]) -> None:
    model = Model(ClassifierModel(write_weights(tmp_path / "tiny")), change)
    height, width = model.card.size
    pixels = np.full((height, width, 3), 128, np.uint8)
    samples = [Sample(Item(name, name), pixels) for name in ("a", "b")]
    if not change:
        check_model(model, samples, RUNTIME)
        return
    with pytest.raises(AssertionError):
        check_model(model, samples, RUNTIME)
