"""The layers that are quantised, and the effect on the answers."""

from pathlib import Path

import numpy as np
import pytest

from diascope.engines.graph import export_onnx
from diascope.engines.openvino import OpenVinoEngine, read_graph
from diascope.engines.torch import ReferenceEngine
from tests.engines.networks import classifier, pictures

pytest.importorskip("nncf")

from diascope.engines.quantise import quantisable, write_quantised


@pytest.mark.parametrize(
    ("backbone", "head", "count"),
    [("convnet", "attention", 1), ("efficientnet-lite0", "linear", 32), ("resnet18", "conv", 19)],
)
def test_the_dense_convolutions_after_the_first_are_quantisable(
    backbone: str, head: str, count: int, tmp_path: Path
) -> None:
    network, card = classifier(backbone, head)
    export_onnx(network, card, tmp_path / "graph.onnx")
    assert len(quantisable(tmp_path / "graph.onnx")) == count


def test_only_the_named_layers_compute_in_int8(tmp_path: Path) -> None:
    network, card = classifier("resnet18", "attention")
    export_onnx(network, card, tmp_path / "graph.onnx")
    seen = pictures(card, 8)
    layers = quantisable(tmp_path / "graph.onnx")[-2:]
    write_quantised(tmp_path / "graph.onnx", layers, seen, tmp_path / "int8.xml")
    right = ReferenceEngine(network, card, "cpu").run(seen)
    engine = OpenVinoEngine(tmp_path / "int8.xml", right.bias, "int8-1", tmp_path)
    change = np.abs(engine.run(seen).logits - right.logits).max()

    assert engine.precision == "int8-1"
    assert quantised(tmp_path / "int8.xml") == layers
    assert 0 < change <= 0.02 * np.abs(right.logits).max()


def test_the_whole_backbone_computes_in_int8_and_the_head_does_not(tmp_path: Path) -> None:
    network, card = classifier("resnet18")
    export_onnx(network, card, tmp_path / "graph.onnx")
    write_quantised(tmp_path / "graph.onnx", None, pictures(card, 8), tmp_path / "int8.xml")
    made = read_graph(tmp_path / "int8.xml").get_ordered_ops()
    every = [each for each in made if each.get_type_name() == "Convolution"]
    in_float = [
        each for each in every if each.input_value(1).get_node().get_type_name() == "Constant"
    ]

    assert len(every) == 21
    assert [each.get_friendly_name() for each in in_float] == ["maps"]


def test_the_same_pictures_give_the_same_answers_and_nothing_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    network, card = classifier("convnet")
    seen, graph, bias = pictures(card, 8), tmp_path / "graph.onnx", np.zeros(3, np.float32)
    export_onnx(network, card, graph)
    logits = []
    for path in (tmp_path / "a.xml", tmp_path / "b.xml"):
        write_quantised(graph, quantisable(graph), seen, path)
        logits.append(OpenVinoEngine(path, bias, "int8", tmp_path).run(seen).logits)
    assert np.array_equal(*logits)
    assert capfd.readouterr() == ("", "")


def quantised(path: Path) -> list[str]:
    """Return the convolutions of a graph whose input is quantised to int8."""
    return [
        each.get_friendly_name()
        for each in read_graph(path).get_ordered_ops()
        if each.get_type_name() == "Convolution"
        and each.input_value(0).get_node().get_type_name() == "FakeQuantize"
    ]
