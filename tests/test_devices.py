"""Runs on several devices of one machine."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from diascope.classifier import Classifier
from diascope.contracts import Runtime
from diascope.engines import device
from diascope.models.classifier import ClassifierModel
from diascope.sample import Prediction, Sample
from tests.runs import REFERENCE, Ended, write_pictures, write_recipe

Command = Callable[..., Ended]
NAMES = ("red", "green", "blue")
OPTIONS = {"workers": 0, "batch": 8}


def recipe(weights: Path, **options: Any) -> Path:
    """Write a recipe with these options of a run beside the weights."""
    return write_recipe(weights / "tiny.yaml", weights, run=OPTIONS | REFERENCE | options)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "photos", 13)


def written(folder: Path) -> dict[str, Any]:
    """Return the content of ``run.json``."""
    return dict(json.loads((folder / "run.json").read_text()))


def scores(folder: Path) -> np.ndarray:
    """Return the columns of scores in ``predictions.csv``."""
    with (folder / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[f"score.{name}"]) for name in NAMES] for row in rows])


@pytest.mark.parametrize("count", [2, 3])
def test_several_devices_answer_as_one_does(
    count: int, command: Command, tiny_weights: Path, pictures: Path, tmp_path: Path
) -> None:
    for folder, places in (("one", ["cpu"]), ("more", ["cpu"] * count)):
        path = recipe(tiny_weights, devices=places)
        assert command("run", path, pictures, "-o", tmp_path / folder).code == 0
        assert written(tmp_path / folder)["execution"]["devices"] == places
    assert np.abs(scores(tmp_path / "one") - scores(tmp_path / "more")).max() <= 1e-6


def test_two_devices_give_the_bytes_of_one_with_half_the_batch(
    command: Command, tiny_weights: Path, tmp_path: Path
) -> None:
    pictures, tables = write_pictures(tmp_path / "photos", 16), []
    for folder, batch, places in (("one", 4, ["cpu"]), ("two", 8, ["cpu", "cpu"])):
        path = recipe(tiny_weights, devices=places, batch=batch)
        assert command("run", path, pictures, "-o", tmp_path / folder).code == 0
        tables.append((tmp_path / folder / "predictions.csv").read_bytes())
    assert tables[0] == tables[1]


def test_every_device_has_the_engine_that_the_first_one_chose(
    tiny_weights: Path,
    pictures: Path,
    tmp_path: Path,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DIASCOPE_CACHE", str(tmp_path / "home"))
    loaded, load = [], ClassifierModel.load

    def noted(self: ClassifierModel, runtime: Runtime) -> Any:
        classifier: Any = load(self, runtime)
        loaded.append((runtime.engine, classifier.engine.name, classifier.engine))
        return classifier

    monkeypatch.setattr(ClassifierModel, "load", noted)
    path = recipe(tiny_weights, devices=["cpu", "cpu"], engine="auto", precision="auto")
    assert command("run", path, pictures, "-o", tmp_path / "out").code == 0
    (wish, chosen, first), (second_wish, used, second) = loaded
    assert (wish, second_wish, used) == ("auto", chosen, chosen)
    assert first is not second


def test_a_device_that_fails_is_reported_and_another_answers_its_items(
    command: Command,
    tiny_weights: Path,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    predict, seen = Classifier.predict, set[int]()

    def failing(self: Classifier, samples: Sequence[Sample]) -> list[Prediction]:
        seen.add(id(self))
        if id(self) == min(seen) and len(seen) == 2:
            raise RuntimeError("CUDA error: unspecified launch failure")
        return predict(self, samples)

    monkeypatch.setattr(Classifier, "predict", failing)
    path = recipe(tiny_weights, devices=["cpu", "cpu"])
    with pytest.warns(UserWarning, match="the device cpu failed and is left out: RuntimeError"):
        assert command("run", path, pictures, "-o", tmp_path / "out").code == 0
    run = written(tmp_path / "out")
    assert run["counts"] == {"found": 13, "ok": 13, "failed": 0, "skipped": 0, "pending": 0}
    assert "unspecified launch failure" in run["warnings"][-1]


def test_all_without_an_accelerator_uses_the_cpu_once_with_a_warning(
    command: Command,
    tiny_weights: Path,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device, "_may_have_accelerator", lambda: False)
    arguments = "run", recipe(tiny_weights), pictures, "-o", tmp_path / "out"
    ended = command(*arguments, "--set", "run.devices=all")
    assert ended.code == 0
    assert "there is no accelerator here" in ended.err
    assert written(tmp_path / "out")["execution"]["devices"] == ["cpu"]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (["run.devices=[cpu, cuda:97]"], "the device 'cuda:97' is not on this machine"),
        (["run.devices=all", "run.device=cpu"], "devices must be all or name one"),
        (["run.devices=[]"], "devices must be all or name one"),
        (["run.devices=every"], "devices must be all or a list"),
    ],
)
def test_a_wrong_device_is_refused_before_the_run(
    wish: list[str],
    words: str,
    command: Command,
    tiny_weights: Path,
    pictures: Path,
    tmp_path: Path,
) -> None:
    settings = [part for each in wish for part in ("--set", each)]
    path = recipe(tiny_weights)
    ended = command("run", path, pictures, "-o", tmp_path / "out", *settings)
    assert (ended.code, words in ended.err) == (2, True), ended.err


@pytest.mark.gpu
def test_a_gpu_is_taken_and_answers_as_the_processor_does(
    command: Command,
    tiny_weights: Path,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DIASCOPE_CACHE", str(tmp_path / "home"))
    chosen = {"engine": "auto", "precision": "auto"}
    wishes = {"cpu": {"device": "cpu"}, "gpu": {"device": "auto"}, "fast": chosen}
    for folder, wish in wishes.items():
        path = recipe(tiny_weights, **wish)
        assert command("run", path, pictures, "-o", tmp_path / folder).code == 0
        errors = np.abs(scores(tmp_path / "cpu") - scores(tmp_path / folder))
        assert errors.max() <= (0.05 if folder == "fast" else 1e-5)
    for folder in ("gpu", "fast"):
        assert written(tmp_path / folder)["execution"]["devices"] == ["cuda"]


@pytest.mark.gpu(2)
def test_two_gpus_answer_as_one_does(
    command: Command, tiny_weights: Path, pictures: Path, tmp_path: Path
) -> None:
    for folder, places in (("one", ["cuda:0"]), ("both", "all")):
        path = recipe(tiny_weights, devices=places)
        assert command("run", path, pictures, "-o", tmp_path / folder).code == 0
    assert len(written(tmp_path / "both")["execution"]["devices"]) >= 2
    assert np.abs(scores(tmp_path / "one") - scores(tmp_path / "both")).max() <= 1e-5
