"""Damaged compiled graphs in OpenVINO's cache."""

from pathlib import Path

import numpy as np
import pytest

from diascope.engines.graph import export_onnx
from tests.engines.networks import classifier, pictures

pytest.importorskip("openvino")


def test_a_damaged_compiled_graph_is_compiled_again(tmp_path: Path) -> None:
    from diascope.engines.openvino import OpenVinoEngine

    network, card = classifier("convnet")
    export_onnx(network, card, tmp_path / "graph.onnx")
    bias, seen = network.head.bias.detach().numpy(), pictures(card, 3)

    def answered() -> np.ndarray:
        return OpenVinoEngine(tmp_path / "graph.onnx", bias, "float32", tmp_path).run(seen).logits

    right = answered()
    for tenth in range(10):
        (blob,) = tmp_path.glob("*.blob")
        content = bytearray(blob.read_bytes())
        start = len(content) * tenth // 10
        content[start : start + 64] = bytes(64)
        blob.unlink()  # it is read only
        blob.write_bytes(content)
        assert np.array_equal(answered(), right), tenth
