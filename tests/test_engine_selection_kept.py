"""A choice that is kept: when it is used again and when it is made anew."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from diascope.card import WEIGHTS_FILE
from diascope.engine_selection import load_engine
from diascope.engines import graph_cache, open_engines, torch
from diascope.errors import WeightsError
from tests.runs import Ended, write_pictures, write_recipe, write_weights
from tests.test_engine_selection import Weights, runtime
from tests.test_engine_selection import home as home
from tests.test_engine_selection import weights as weights

SLOW = ("torch", "monai", "scipy", "skimage", "sklearn", "onnx", "ruamel.yaml", "rich")
"""Modules that a run on a cached graph must not import; each takes tenths of a second."""


@pytest.mark.parametrize("changed", ["processor", "version", "plugins", "all plugins", "device"])
def test_a_choice_for_other_circumstances_is_made_anew(
    weights: Weights, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    folder, card = weights
    wish = replace(
        runtime("auto"), plugins=("step 1.0", "model 1.0"), network_plugins=("model 1.0",)
    )
    before = open_engines.EngineLoader(card, folder, wish).folder
    same = [replace(wish, engine="openvino"), replace(wish, plugins=("step 2.0", "model 1.0"))]
    assert [open_engines.EngineLoader(card, folder, each).folder for each in same] == [before] * 2
    if changed == "processor":
        monkeypatch.setattr(graph_cache, "describe_processor", lambda: "another")
    elif changed == "version":
        monkeypatch.setattr(open_engines, "installed", lambda engine: "0.0")
    elif changed == "plugins":
        wish = replace(wish, network_plugins=("model 2.0",))
    elif changed == "all plugins":  # a program that does not say which of them make the network
        wish = replace(wish, network_plugins=None)
    else:
        monkeypatch.setattr(open_engines, "describe_device", lambda device: "another card")
    assert open_engines.EngineLoader(card, folder, wish).folder != before


def test_an_engine_that_broke_is_tried_again_some_times(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    def broken(*_: Any, **__: Any) -> None:
        nonlocal tries
        tries += 1
        raise RuntimeError("memory ran out")

    folder, card = weights
    with monkeypatch.context() as patch:
        patch.setattr(torch, "TorchEngine", broken)
        first = load_engine(card, folder, runtime("torch"))[1]
    assert (first.precision, first.broken) == ("float32", ("torch bfloat16",))
    load_engine(card, folder, runtime("torch"))  # it passed: bfloat16 may be taken now
    assert load_engine(card, folder, runtime("torch"))[1].broken == ()

    monkeypatch.setattr(torch, "TorchEngine", broken)
    wish = replace(runtime("torch"), tolerance=0.02)
    for _ in range(6):
        load_engine(card, folder, wish)
    assert tries == 4


@pytest.mark.parametrize("entry", ["{}", '{"engine": "onnx"}', '{"engine": 1, "other": 2}'])
def test_a_choice_that_was_damaged_is_made_anew(weights: Weights, home: Path, entry: str) -> None:
    folder, card = weights
    right = load_engine(card, folder, runtime("onnx"))[1]
    for path in home.rglob("choice-*.json"):
        path.write_text(entry)
    assert load_engine(card, folder, runtime("onnx"))[1].engine == right.engine


def test_weights_that_were_exchanged_are_noticed_though_their_graph_is_kept(
    weights: Weights,
) -> None:
    folder, card = weights
    load_engine(card, folder, runtime("onnx"))
    (folder / WEIGHTS_FILE).write_bytes(b"others")
    with pytest.raises(WeightsError, match="SHA-256"):
        load_engine(card, folder, runtime("onnx"))


def test_a_folder_goes_on_with_the_engine_with_which_it_was_begun(
    tmp_path: Path, command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = write_recipe(
        tmp_path / "tiny.yaml", write_weights(tmp_path / "tiny"), run={"workers": 0}
    )
    arguments = "run", recipe, write_pictures(tmp_path / "photos", 4), "-o", tmp_path / "out"
    onnx = [("onnx", "float32")]

    def candidates(self: open_engines.EngineLoader) -> list[open_engines.Candidate]:
        return [open_engines.REFERENCE] if self.runtime.engine == "auto" else onnx

    monkeypatch.setattr(open_engines.EngineLoader, "candidates", lambda _: onnx)
    assert "executed by onnx float32" in command(*arguments, "--limit", 1).out

    monkeypatch.setenv("DIASCOPE_CACHE", str(tmp_path / "another machine"))
    monkeypatch.setattr(open_engines.EngineLoader, "candidates", candidates)
    assert "executed by onnx float32" in command(*arguments, "--limit", 2).out
    written = json.loads((tmp_path / "out" / "run.json").read_text())
    assert (written["execution"]["engine"], written["execution"]["precision"]) == onnx[0]

    monkeypatch.setenv("DIASCOPE_CACHE", str(tmp_path / "one without it"))
    monkeypatch.setattr(open_engines.EngineLoader, "candidates", lambda _: [])
    monkeypatch.setitem(open_engines.PACKAGES, "onnx", ("no-such-package",))
    ended = command(*arguments, "--limit", 3)
    assert ended.code == 2
    assert "the answers in this folder come from onnx float32" in ended.err


@pytest.mark.parametrize("engine", ["openvino", "onnx", "ncnn"])
def test_a_run_on_a_kept_graph_imports_neither_torch_nor_monai(engine: str, tmp_path: Path) -> None:
    recipe = write_recipe(
        tmp_path / "tiny.yaml",
        write_weights(tmp_path / "tiny"),
        run={"engine": engine, "precision": "float32", "workers": 0},
    )
    (tmp_path / "photos").mkdir()
    from PIL import Image

    Image.new("RGB", (40, 40), "red").save(tmp_path / "photos" / "a.png")
    code = "import sys; from diascope.cli import pipeline; "
    code += "pipeline(sys.argv[1:], standalone_mode=False)"
    show = f"print([each for each in {SLOW} if each in sys.modules])"
    ends = []
    for number in range(2):
        arguments = ["run", str(recipe), str(tmp_path / "photos"), "--quiet"]
        arguments += ["--output", str(tmp_path / f"results-{number}")]
        script = f"import sys\ntry:\n    exec({code!r})\nexcept SystemExit as end:\n"
        script += f"    print(end.code)\n{show}"
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ,
        )
        ends.append(done.stdout.split("\n")[:2])
    assert ends[0][0] == ends[1][0] == "0"
    assert ends[1][1] == "[]"
    first, second = (
        (tmp_path / f"results-{number}" / "predictions.csv").read_bytes() for number in range(2)
    )
    assert first == second
