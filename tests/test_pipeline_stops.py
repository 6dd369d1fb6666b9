"""Errors that stop a run without failing an item."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest

from diascope.errors import DeviceError, WeightsError
from diascope.pipeline import Pipeline
from diascope.sample import Item, Prediction
from tests.fakes import Brightness
from tests.fakes import pipeline as pipeline
from tests.fakes import run as run

Run = Callable[..., list[Any]]


def test_a_device_that_failed_permanently_stops_the_run_and_fails_no_item(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(self: Brightness, samples: Sequence[Any]) -> Any:
        raise DeviceError("the device cuda failed")

    monkeypatch.setattr(Brightness, "predict", dead)
    with pytest.raises(DeviceError):
        run("1", "2")


@pytest.mark.parametrize("swallows", [False, True])
def test_a_device_that_fails_within_an_item_stops_the_run_whatever_the_model_catches(
    run: Run, monkeypatch: pytest.MonkeyPatch, swallows: bool
) -> None:
    predict, aggregate = Brightness.predict, Brightness.aggregate

    def dying(self: Brightness, samples: Sequence[Any]) -> Any:
        if self.batches:
            raise DeviceError("the device cuda failed")
        return predict(self, samples)

    def careless(self: Brightness, item: Item, frames: Iterator[Prediction]) -> Prediction:
        seen = [next(frames)]
        with suppress(DeviceError):
            seen += frames
        return aggregate(self, item, iter(seen))

    monkeypatch.setattr(Brightness, "predict", dying)
    if swallows:
        monkeypatch.setattr(Brightness, "aggregate", careless)
    with pytest.raises(DeviceError):
        run("1 2 3 4 5 6", "7")


def test_a_model_that_cannot_be_loaded_is_not_the_fault_of_an_item(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = Brightness.predict

    def predicts(self: Brightness, samples: Sequence[Any]) -> Any:
        monkeypatch.setattr(Pipeline, "load", broken)
        return predict(self, samples)

    def broken(self: Pipeline) -> Any:
        raise WeightsError("the weights are gone")

    monkeypatch.setattr(Brightness, "predict", predicts)
    with pytest.raises(WeightsError):
        run("1")
