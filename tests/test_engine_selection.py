"""The choice of an engine: the fastest one that does not change the answers."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import save_file

from diascope import card as module
from diascope import engine_selection
from diascope.card import WEIGHTS_FILE, Label, ModelCard, file_digest, write_card
from diascope.contracts import Runtime
from diascope.engine_selection import load_engine
from diascope.engines import open_engines, torch
from diascope.engines.outputs import Outputs
from diascope.errors import RecipeError
from diascope.parity import compare_outputs
from diascope.plugin_creation import make_backbone
from tests.engines.networks import classifier, pictures

Weights = tuple[Path, ModelCard]
ENDS = tuple(enumerate((Label("a"), Label("b"), Label("c"))))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIASCOPE_CACHE", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def weights(tmp_path: Path) -> Weights:
    network, card = classifier("convnet")
    folder = tmp_path / "weights"
    folder.mkdir()
    save_file(network.state_dict(), folder / WEIGHTS_FILE)
    card = replace(card, digest=file_digest(folder / WEIGHTS_FILE))
    write_card(card, folder)
    return folder, card


def runtime(engine: str, precision: str = "auto") -> Runtime:
    return Runtime("cpu", "none", make_backbone, engine=engine, precision=precision)


def wrong(monkeypatch: pytest.MonkeyPatch, change: float) -> None:
    """Make torch add to the first logit in all precisions except float32."""
    right = torch.TorchEngine.run

    def run(self: Any, pictures: np.ndarray) -> Outputs:
        outputs = right(self, pictures)
        outputs.logits[:, 0] += change
        return outputs

    monkeypatch.setattr(torch.TorchEngine, "run", run)


def test_the_choice_answers_as_the_reference_and_is_announced_and_made_once(
    weights: Weights, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder, card = weights
    seen = pictures(card, 3)
    right = load_engine(card, folder, runtime("torch", "float32"))[0].run(seen)
    engine, chosen = load_engine(card, folder, runtime("auto"))
    assert chosen.change <= 0.01
    assert compare_outputs(right, engine.run(seen), card).within(0.01)
    monkeypatch.setattr(open_engines.EngineLoader, "candidates", None)
    assert load_engine(card, folder, runtime("auto"))[1] == chosen
    assert caplog.text.count(f"choosing the engine for {card.name}") == 1


def test_the_fastest_engine_with_equal_answers_is_chosen(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = {"torch bfloat16": 3.0, "torch float32": 2.0, "onnx float32": 0.5}
    right = engine_selection.time_engine

    def timed(engine: Any, pictures: np.ndarray, at_once: int) -> tuple[Outputs, float]:
        return right(engine, pictures, at_once)[0], seconds[f"{engine.name} {engine.precision}"]

    monkeypatch.setattr(engine_selection, "time_engine", timed)
    several = [("torch", "bfloat16"), ("onnx", "float32"), ("torch", "float32")]
    for candidates in (several, several[::-1]):
        monkeypatch.setattr(
            open_engines.EngineLoader, "candidates", lambda _, found=candidates: found
        )
        wish = replace(runtime("auto"), tolerance=0.5 + len(candidates[0][0]) / 100)
        _, chosen = load_engine(weights[1], weights[0], wish)
        assert (chosen.engine, chosen.speed) == ("onnx", 4.0)


def test_an_engine_that_is_much_slower_than_another_is_not_timed_on_all_pictures(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []
    right = torch.TorchEngine.run

    def slow(self: Any, pictures: np.ndarray) -> Outputs:
        ran.append(len(pictures))
        time.sleep(0.5)
        return right(self, pictures)

    monkeypatch.setattr(torch.TorchEngine, "run", slow)
    found = [("onnx", "float32"), ("torch", "bfloat16")]
    monkeypatch.setattr(open_engines.EngineLoader, "candidates", lambda _: found)
    _, chosen = load_engine(weights[1], weights[0], runtime("auto"))
    assert (chosen.engine, set(ran)) == ("onnx", {2})
    assert chosen.refused[0].startswith("torch bfloat16: it takes longer for a few pictures than")


def test_the_reference_is_timed_again_in_case_it_was_slow_once(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = {"torch": iter([9.0, 2.0]), "onnx": iter([0.5])}
    right = engine_selection.time_engine

    def timed(engine: Any, pictures: np.ndarray, at_once: int) -> tuple[Outputs, float]:
        return right(engine, pictures, at_once)[0], next(seconds[engine.name])

    monkeypatch.setattr(engine_selection, "time_engine", timed)
    _, chosen = load_engine(weights[1], weights[0], replace(runtime("onnx"), tolerance=0.7))
    assert chosen.speed == 4.0


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_weights_are_checked_whatever_the_engine_and_only_once(
    weights: Weights, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    folder, card = weights
    wish = runtime(engine, "float32")
    load_engine(card, folder, wish)  # from now on, onnx opens a cached graph
    read: list[Path] = []
    monkeypatch.setattr(module, "file_digest", lambda path: (read.append(path), card.digest)[1])
    load_engine(card, folder, wish)
    assert read == [folder / WEIGHTS_FILE]


def test_an_engine_that_changes_answers_is_left_out_and_named(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong(monkeypatch, 3.0)
    _, chosen = load_engine(weights[1], weights[0], runtime("torch"))
    assert (chosen.engine, chosen.precision, chosen.change) == ("torch", "float32", 0.0)
    assert "torch bfloat16: " in chosen.refused[0]


def test_a_larger_tolerance_allows_changes_that_flip_no_decision(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, card = weights
    sure = tuple(replace(label, operating_point=0.9 - index / 3) for index, label in ENDS)
    card = replace(card, labels=sure)  # decisions that hang on no small change
    wrong(monkeypatch, 0.2)
    with pytest.raises(RecipeError, match=r"may move by 0\.01 "):
        load_engine(card, folder, runtime("torch", "bfloat16"))
    _, chosen = load_engine(card, folder, replace(runtime("torch", "bfloat16"), tolerance=0.1))
    assert 0.01 < chosen.change <= 0.1


def test_a_requested_engine_that_changes_answers_is_an_error(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong(monkeypatch, 3.0)
    with pytest.raises(RecipeError, match=r"leave no engine.*torch bfloat16"):
        load_engine(weights[1], weights[0], runtime("torch", "bfloat16"))


def test_an_engine_that_breaks_is_left_out_with_its_reason(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no compiler")

    monkeypatch.setattr(torch, "TorchEngine", broken)
    _, chosen = load_engine(weights[1], weights[0], runtime("torch"))
    assert chosen.refused == ("torch bfloat16: RuntimeError: no compiler",)


def test_a_missing_engine_is_an_error_that_names_the_package(
    weights: Weights, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(open_engines.PACKAGES, "openvino", ("no-such-package",))
    with pytest.raises(RecipeError, match=r"pip install .diascope\[openvino\]"):
        load_engine(weights[1], weights[0], runtime("openvino"))
    assert caplog.text == ""  # nothing is said to take minutes


@pytest.mark.parametrize(
    ("device", "precisions"), [("mps", ["float32"]), ("cuda", ["float16", "bfloat16", "float32"])]
)
def test_engines_for_cpus_are_no_candidates_for_an_accelerator(
    weights: Weights, device: str, precisions: list[str]
) -> None:
    wish = replace(runtime("auto"), device=device)
    found = open_engines.EngineLoader(weights[1], weights[0], wish).candidates()
    assert found == [("torch", precision) for precision in precisions]
