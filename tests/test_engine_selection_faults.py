"""The choice of an engine when memory, disk, a busy machine or an engine causes trouble."""

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diascope import engine_selection
from diascope.card import ModelCard
from diascope.engine_selection import load_engine
from diascope.engines import graph_cache, open_engines, openvino, torch
from diascope.engines.outputs import Outputs
from tests.engines.networks import pictures
from tests.test_engine_selection import home as home
from tests.test_engine_selection import runtime
from tests.test_engine_selection import weights as weights

Weights = tuple[Path, ModelCard]


def test_where_memory_is_short_fewer_pictures_are_compared_at_once(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, sizes = torch.ReferenceEngine.run, list[int]()

    def run(self: Any, pictures: np.ndarray) -> Outputs:
        sizes.append(len(pictures))
        if len(pictures) > 5:
            raise RuntimeError("out of memory")
        return right(self, pictures)

    monkeypatch.setattr(torch.ReferenceEngine, "run", run)
    _, chosen = load_engine(weights[1], weights[0], runtime("onnx"))
    assert (chosen.engine, chosen.broken) == ("onnx", ())
    assert sizes[:4] == [32, 16, 8, 4]


@pytest.mark.parametrize(("pass_seconds", "passes"), [(0.1, 3), (11.0, 2)])
def test_an_engine_that_is_slow_is_timed_once(
    weights: Weights, monkeypatch: pytest.MonkeyPatch, pass_seconds: float, passes: int
) -> None:
    folder, card = weights
    engine = open_engines.EngineLoader(card, folder, runtime("torch")).open(open_engines.REFERENCE)
    right, now, runs = engine.run, [0.0], list[int]()

    def run(pictures: np.ndarray) -> Outputs:
        now[0] += pass_seconds
        runs.append(len(pictures))
        return right(pictures)

    monkeypatch.setattr(engine, "run", run)
    monkeypatch.setattr(engine_selection.time, "perf_counter", lambda: now[0])
    _, seconds = engine_selection.time_engine(engine, pictures(card, 2), 2)
    assert (round(seconds, 6), len(runs)) == (pass_seconds, passes)


@pytest.mark.parametrize(("wish", "taken"), [("auto", ("torch", 1.0)), ("onnx", ("onnx", 0.5))])
def test_a_reference_that_was_slow_once_is_chosen_if_it_is_faster(
    weights: Weights, monkeypatch: pytest.MonkeyPatch, wish: str, taken: tuple[str, float]
) -> None:
    seconds = {"torch": iter([9.0, 1.0]), "onnx": iter([2.0])}
    right, found = engine_selection.time_engine, [("onnx", "float32"), ("torch", "float32")]

    def timed(engine: Any, pictures: np.ndarray, at_once: int) -> tuple[Outputs, float]:
        return right(engine, pictures, at_once)[0], next(seconds[engine.name])

    monkeypatch.setattr(engine_selection, "time_engine", timed)
    if wish == "auto":
        monkeypatch.setattr(open_engines.EngineLoader, "candidates", lambda _: found)
    _, chosen = load_engine(weights[1], weights[0], replace(runtime(wish), tolerance=0.6))
    assert (chosen.engine, chosen.speed) == taken


def test_an_engine_whose_library_is_broken_is_left_out(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a library is missing")

    monkeypatch.setattr(openvino, "precisions", broken)
    monkeypatch.setattr(openvino, "OpenVinoEngine", broken)
    _, chosen = load_engine(weights[1], weights[0], runtime("auto"))
    assert chosen.engine != "openvino"
    assert chosen.broken == ("openvino float32",)


def test_a_choice_that_cannot_be_stored_holds_for_this_run(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(graph_cache, "write_entry", full)
    engine, chosen = load_engine(weights[1], weights[0], runtime("torch"))
    assert chosen.engine == "torch"
    assert len(engine.run(pictures(weights[1], 3)).logits) == 3


def test_a_choice_that_is_not_stored_gives_a_warning(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder can be made below a file")
    monkeypatch.setenv("DIASCOPE_CACHE", str(tmp_path / "file"))
    with pytest.warns(
        UserWarning, match=r"file cannot be written: each run chooses the engine anew"
    ):
        load_engine(weights[1], weights[0], runtime("auto"))


@pytest.mark.parametrize(("batch", "made"), [(64, 1), (1, 2)])
def test_a_choice_is_made_for_the_batches_of_a_run(
    weights: Weights, monkeypatch: pytest.MonkeyPatch, batch: int, made: int
) -> None:
    right, choices = engine_selection._choose, list[int]()

    def chosen(*given: Any) -> Any:
        choices.append(1)
        return right(*given)

    monkeypatch.setattr(engine_selection, "_choose", chosen)
    for each in (32, batch):
        load_engine(weights[1], weights[0], replace(runtime("onnx"), batch=each))
    assert len(choices) == made
