"""Every engine answers as the reference does."""

import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diascope import torch_process
from diascope.card import Label
from diascope.engines import openvino
from diascope.engines.graph import Graph
from diascope.engines.outputs import Outputs
from diascope.engines.torch import ReferenceEngine, TorchEngine
from diascope.errors import DeviceError
from tests.engines.networks import LAYERS, classifier, engines, pictures

EVERY = [
    ("convnet", "linear"),
    ("convnet", "conv"),
    ("convnet", "attention"),
    ("efficientnet-lite0", "linear"),
    ("efficientnet-b0", "linear"),
    ("resnet18", "linear"),
    ("densenet121", "linear"),
]


@pytest.mark.parametrize(("backbone", "head"), EVERY)
def test_all_engines_give_what_the_reference_gives(
    backbone: str, head: str, tmp_path: Path
) -> None:
    network, card = classifier(backbone, head)
    made = engines(network, card, tmp_path)
    seen = pictures(card, 5)
    right = made.pop("reference").run(seen)
    for name, engine in made.items():
        answered = engine.run(seen)
        for field in fields(Outputs):
            ours, theirs = (getattr(each, field.name) for each in (answered, right))
            if theirs is None:
                assert ours is None
                continue
            assert (ours.dtype, ours.shape) == (np.float32, theirs.shape), (name, field.name)
            scale = np.abs(theirs).max() + 1e-6
            assert np.abs(ours - theirs).max() <= 1e-4 * scale, (name, field.name)


def test_an_engine_takes_any_number_of_pictures_and_gives_the_same_bits_again(
    tmp_path: Path,
) -> None:
    network, card = classifier("convnet")
    for engine in engines(network, card, tmp_path).values():
        for count in (1, 7, 3):
            seen = pictures(card, count)
            first, second = engine.run(seen), engine.run(seen)
            assert first.logits.shape == (count, 3)
            assert np.array_equal(first.logits, second.logits)
            assert np.array_equal(first.maps, second.maps)


@pytest.mark.parametrize("backbone", ["convnet", "efficientnet-lite0"])
def test_the_bits_for_a_picture_do_not_depend_on_its_batch_in_an_exported_graph(
    backbone: str, tmp_path: Path
) -> None:
    network, card = classifier(backbone)
    made, seen = engines(network, card, tmp_path), pictures(card, 7)
    for name in ("openvino", "onnx", "ncnn"):
        whole = made[name].run(seen)
        for part in (slice(0, 1), slice(1, 4), slice(4, 7), slice(6, 7)):
            answered = made[name].run(seen[part])
            assert np.array_equal(answered.logits, whole.logits[part]), name
            assert np.array_equal(answered.maps, whole.maps[part]), name


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_evidence_adds_up_to_the_logit_in_every_precision(precision: str) -> None:
    network, card = classifier("efficientnet-lite0")
    outputs = TorchEngine(network, card, "cpu", precision, compiled=False).run(pictures(card, 4))
    sums = outputs.maps.sum((2, 3), dtype=np.float64) + outputs.bias
    assert np.abs(sums - outputs.logits).max() <= 1e-5 * np.abs(outputs.logits).max()


def test_a_grey_network_of_one_output_runs_in_every_engine(tmp_path: Path) -> None:
    network, card = classifier(
        "convnet",
        task="binary",
        labels=(Label("no"), Label("yes")),
        mean=(0.5,),
        std=(0.25,),
        score_kind="sigmoid",
        backbone_parameters={"layers": LAYERS, "in_channels": 1},
    )
    for engine in engines(network, card, tmp_path).values():
        assert engine.run(pictures(card, 2)).logits.shape == (2, 1)


def test_asymmetric_padding_is_the_same_in_every_engine(tmp_path: Path) -> None:
    network, card = classifier("efficientnet-lite0", size=(56, 115))
    made = engines(network, card, tmp_path)
    right = made.pop("reference").run(pictures(card, 2))
    for name, engine in made.items():
        maps = engine.run(pictures(card, 2)).maps
        assert maps.shape == right.maps.shape, name
        np.testing.assert_allclose(maps, right.maps, atol=1e-5, err_msg=name)


def test_a_conv_head_over_features_of_one_cell_runs_in_every_engine(tmp_path: Path) -> None:
    layers = [*LAYERS, {"pool": {"size": 2}}]
    network, card = classifier(
        "convnet", "conv", size=(8, 8), backbone_parameters={"layers": layers}
    )
    made = engines(network, card, tmp_path)
    right = made.pop("reference").run(pictures(card, 3))
    assert right.maps.shape == (3, 3, 1, 1)
    for name, engine in made.items():
        maps = engine.run(pictures(card, 3)).maps
        np.testing.assert_allclose(maps, right.maps, atol=1e-5, err_msg=name)


@pytest.mark.skipif(shutil.which("c++") is None, reason="torch.compile needs a C++ compiler")
def test_a_compiled_network_gives_what_the_reference_gives() -> None:
    network, card = classifier("convnet")
    seen = pictures(card, 3)
    right = ReferenceEngine(network, card, "cpu").run(seen)
    engine = TorchEngine(network, card, "cpu", "float32", compiled=True)
    assert (engine.name, engine.precision) == ("compile", "float32")
    np.testing.assert_allclose(engine.run(seen).logits, right.logits, atol=1e-5)


def test_creating_an_engine_does_not_change_the_network() -> None:
    network, card = classifier("convnet")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    TorchEngine(network, card, "cpu", "bfloat16", compiled=False).run(pictures(card, 2))
    after = network.state_dict()
    assert list(before) == list(after)
    assert all(before[name].equal(after[name]) for name in before)


def test_a_compiled_network_is_compiled_for_one_number_of_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = []

    def spy(graph: Graph, dynamic: bool) -> Graph:
        graph.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
        return graph

    monkeypatch.setattr(torch, "compile", spy)
    network, card = classifier("convnet")
    engine = TorchEngine(network, card, "cpu", "float32", compiled=True)
    seen = pictures(card, 70)
    right = ReferenceEngine(network, card, "cpu").run(seen)
    for count in (1, 70, 33):
        answered = engine.run(seen[:count])
        np.testing.assert_allclose(answered.logits, right.logits[:count], atol=1e-5)
        np.testing.assert_allclose(answered.pooled, right.pooled[:count], atol=1e-5)
    assert set(sizes) == {32}


def test_a_failed_accelerator_is_distinguished_from_a_failed_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, card = classifier("convnet")
    engine = TorchEngine(network, card, "cpu", "float32", compiled=False)
    engine._call = failing(RuntimeError("CUDA error: launch failure\nmore"))  # type: ignore[assignment]
    with pytest.raises(RuntimeError, match="launch failure\nmore"):
        engine.run(pictures(card, 2))
    monkeypatch.setattr(torch, "zeros", failing(RuntimeError("nothing works any more")))
    with pytest.raises(DeviceError, match="the device cpu failed: CUDA error: launch failure"):
        engine.run(pictures(card, 2))


def test_an_accelerator_without_free_memory_has_not_failed_permanently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network, card = classifier("convnet")
    engine = TorchEngine(network, card, "cpu", "float32", compiled=False)
    full = failing(torch.cuda.OutOfMemoryError("CUDA out of memory"))
    engine._call = full  # type: ignore[assignment]
    monkeypatch.setattr(torch, "zeros", full)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        engine.run(pictures(card, 2))


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def test_a_cpu_computes_folded_batch_norms_in_channels_last_layout() -> None:
    network, card = classifier("efficientnet-lite0")
    engine = TorchEngine(network, card, "cpu", "float32", compiled=False)
    layouts = []
    modules = list(engine._graph.backbone.modules())
    first = next(each for each in modules if isinstance(each, torch.nn.Conv2d))
    first.register_forward_pre_hook(
        lambda _, given: layouts.append(given[0].is_contiguous(memory_format=torch.channels_last))
    )
    engine.run(pictures(card, 2))
    assert layouts == [True]
    assert not any(isinstance(each, torch.nn.BatchNorm2d) for each in modules)


@pytest.mark.parametrize(("quota", "taken"), [(1, 1), (9, 3)])
def test_a_network_uses_no_more_threads_than_the_cpu_quota(
    quota: int, taken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for module in (torch_process, openvino):
        monkeypatch.setattr(module, "quota_threads", lambda: quota)
    network, card = classifier("convnet")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        made = engines(network, card, tmp_path)
        assert torch.get_num_threads() == taken
    finally:
        torch.set_num_threads(before)
    compiled = made["openvino"]._queue[0].get_compiled_model()  # type: ignore[attr-defined]
    assert compiled.get_property("INFERENCE_NUM_THREADS") <= quota
