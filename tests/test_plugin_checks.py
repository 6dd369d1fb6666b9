"""The checks for plugin authors detect broken plugins."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from diascope.card import Label, ModelCard
from diascope.contracts import Runtime
from diascope.models.classifier import ClassifierModel
from diascope.plugin_creation import make_backbone
from diascope.sample import Item, Prediction, Region, Sample
from diascope.testing import (
    check_augmentation,
    check_backbone,
    check_model,
    check_plugin,
    check_report,
)
from tests.odd_plugins import Closed
from tests.runs import write_weights

RUNTIME = Runtime("cpu", "none", make_backbone, engine="torch", precision="float32")


@dataclass(frozen=True)
class Wrong:
    """An augmentation that violates its contract in one way."""

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
def test_an_augmentation_that_breaks_its_contract_fails(by: str) -> None:
    with pytest.raises(AssertionError):
        check_augmentation(Wrong(by))


@dataclass(frozen=True)
class Model:
    """A model whose predictor modifies the predictions of ours."""

    inner: ClassifierModel
    change: dict[str, Any]
    whole: bool
    broken: bool = False
    api: ClassVar = (1, 0)

    @property
    def card(self) -> ModelCard:
        return replace(self.inner.card, std=(0.0, 1.0, 1.0)) if self.broken else self.inner.card

    def load(self, runtime: Runtime) -> Any:
        return Changed(self.inner.load(runtime), self.change, self.whole)


@dataclass(frozen=True)
class Changed:
    inner: Any
    change: dict[str, Any]
    whole: bool

    def predict(self, samples: Sequence[Sample]) -> list[Prediction]:
        change = {} if self.whole else self.change
        return [replace(each, **change) for each in self.inner.predict(samples)]

    def aggregate(self, item: Item, predictions: Iterator[Prediction]) -> Prediction:
        answer: Prediction = self.inner.aggregate(item, predictions)
        return replace(answer, **self.change) if self.whole else answer


REGION = Region(0, 0, 32, 32)


def checked(
    tmp_path: Path, change: dict[str, Any], *, whole: bool = False, broken: bool = False
) -> None:
    model = Model(ClassifierModel(write_weights(tmp_path / "tiny")), change, whole, broken)
    height, width = model.card.size
    pixels = np.full((height, width, 3), 128, np.uint8)
    samples = [Sample(Item(name, name), pixels, region=REGION) for name in ("a", "b")]
    check_model(model, samples, RUNTIME)


def test_a_model_that_keeps_its_contract_passes(tmp_path: Path) -> None:
    checked(tmp_path, {}, whole=False)


@pytest.mark.parametrize("whole", [False, True], ids=["each", "whole"])
@pytest.mark.parametrize(
    "change",
    [
        {"scores": {"other": 1.0}},
        {"scores": {"red": float("nan"), "green": 0.5, "blue": 0.5}},
        {"predicted": ("other",)},
        {"item": Item("other", "other")},
        {"preview": np.zeros((8, 8, 3), np.float32)},
        {"preview": np.zeros((8, 8), np.uint8)},
    ],
    ids=["labels", "not a number", "predicted", "item", "float preview", "flat preview"],
)
def test_a_model_is_checked_against_its_card(
    tmp_path: Path, change: dict[str, Any], whole: bool
) -> None:
    with pytest.raises(AssertionError):
        checked(tmp_path, change, whole=whole)


def test_a_model_that_drops_the_batch_axis_of_one_sample_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = Changed.predict

    def squeezed(self: Changed, samples: Sequence[Sample]) -> Any:
        answers = predict(self, samples)
        return answers if len(answers) > 1 else answers[0]

    monkeypatch.setattr(Changed, "predict", squeezed)
    told = r"^check_model: expected 1 predictions, got Prediction\("
    with pytest.raises(AssertionError, match=told):
        checked(tmp_path, {})


def test_a_model_that_cannot_be_pickled_after_loading_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = Model.load

    def kept(self: Model, runtime: Runtime) -> Any:
        vars(self)["lock"] = threading.Lock()
        return load(self, runtime)

    monkeypatch.setattr(Model, "load", kept)
    told = "expected a loaded model to be picklable, got TypeError: cannot pickle"
    with pytest.raises(AssertionError, match=told):
        checked(tmp_path, {})


def test_a_plugin_that_cannot_be_pickled_fails() -> None:
    with pytest.raises(AssertionError, match="expected a plugin to be picklable"):
        check_plugin(Closed())


def test_a_score_kind_other_than_the_cards_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="the card's score kind"):
        checked(tmp_path, {"score_kind": "logit"}, whole=False)


@pytest.mark.parametrize("whole", [False, True], ids=["each", "whole"])
@pytest.mark.parametrize(
    ("scores", "told"),
    [((2.0, -0.5, -0.5), "scores from 0 to 1"), ((0.5, 0.5, 0.5), "scores that add up to 1")],
)
def test_scores_that_do_not_match_their_kind_fail(
    tmp_path: Path, scores: tuple[float, ...], told: str, whole: bool
) -> None:
    change = {"scores": dict(zip(("red", "green", "blue"), scores, strict=True))}
    with pytest.raises(AssertionError, match=f"expected {told}, as they are softmax"):
        checked(tmp_path, change, whole=whole)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"trace": ("classified",)}, "the trace of its sample kept in front, got .'classified"),
        ({"region": None}, "its sample's region, got None"),
    ],
)
def test_a_model_that_drops_fields_of_a_sample_fails(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(AssertionError, match=f"expected {told}"):
        checked(tmp_path, change)


def test_a_card_that_a_run_would_refuse_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="a consistent card, got 'mean and std"):
        checked(tmp_path, {}, broken=True)


@pytest.mark.parametrize("api", [(1, "0"), (1.0, 0), (1,), "1.0", None])
def test_an_api_that_a_run_would_refuse_fails(api: Any) -> None:
    with pytest.raises(AssertionError, match=r"^check_plugin: expected a class attribute api"):
        check_plugin(type("Odd", (), {"api": api})())


class ReturnsNothing:
    """A plugin of any kind whose methods return None."""

    api: ClassVar = (1, 0)
    in_channels, features, mean, std = 1, 1, (0.5,), (0.5,)
    card = ModelCard("none", "multiclass", (Label("a"), Label("b")), (1, 1), "", (), (), "softmax")

    def __call__(self, *given: Any) -> None: ...

    build = load = write = __call__


class Empty(ReturnsNothing):
    """A model that can be loaded, but returns None from ``predict``."""

    def load(self, runtime: Runtime) -> Any:
        return self

    predict = aggregate = ReturnsNothing.__call__


SAMPLES = [Sample(Item("a", "a"), np.zeros((1, 1, 1), np.uint8))]
ANSWER = Prediction(Item("a", "a"), {"a": 1.0}, "softmax", ("a",))


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (lambda: check_augmentation(ReturnsNothing()), r"a picture of \(3, 40, 60\)"),
        (lambda: check_backbone(ReturnsNothing()), "build to return a torch module"),
        (
            lambda: check_model(ReturnsNothing(), SAMPLES, RUNTIME),
            "load to return a Predictor, with .*",
        ),
        (lambda: check_model(Empty(), SAMPLES, RUNTIME), "1 predictions"),
        (lambda: check_report(ReturnsNothing(), {}, ANSWER), "the paths of what was written"),
    ],
)
def test_a_plugin_that_returns_nothing_fails_with_what_was_expected(
    check: Callable[[], Any], expected: str
) -> None:
    with pytest.raises(AssertionError, match=f"expected {expected}, got None"):
        check()


def test_a_model_that_loads_something_without_aggregate_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(Empty, "aggregate")
    with pytest.raises(AssertionError, match="a Predictor, with predict and aggregate, got <"):
        check_model(Empty(), SAMPLES, RUNTIME)


def test_a_model_without_a_card_and_a_backbone_without_mean_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ReturnsNothing, "card", {"name": "none"})
    monkeypatch.setattr(ReturnsNothing, "mean", 0.5)
    with pytest.raises(AssertionError, match=r"a ModelCard as its card, got \{'name'"):
        check_model(ReturnsNothing(), SAMPLES, RUNTIME)
    with pytest.raises(AssertionError, match="expected mean, a number for each of 1 in_channels"):
        check_backbone(ReturnsNothing())


def test_a_report_that_returns_one_text_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ReturnsNothing, "write", lambda self, *given: "/tmp/tally.txt")
    with pytest.raises(AssertionError, match="the paths of what was written, got '/tmp"):
        check_report(ReturnsNothing(), {}, ANSWER)
