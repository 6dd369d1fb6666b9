"""ONNX Runtime sends no telemetry."""

import os
import subprocess
import sys
from pathlib import Path

from diascope.engines.graph import export_onnx
from tests.engines.networks import classifier

RUN = """
import sys
from pathlib import Path
import numpy as np
from diascope.engines.onnx import OnnxEngine
engine = OnnxEngine(Path(sys.argv[1]), np.zeros(3, np.float32))
print(engine.run(np.zeros((2, 48, 48, 3), np.float32)).logits.shape)
"""


def test_onnx_runtime_records_no_telemetry(tmp_path: Path) -> None:
    network, card = classifier("convnet")
    export_onnx(network, card, tmp_path / "graph.onnx")
    home = tmp_path / "home"
    home.mkdir()
    unset = {"CI", "GITHUB_ACTIONS", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME"}  # these stop it
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path / "graph.onnx")],
        env={name: value for name, value in os.environ.items() if name not in unset}
        | {"HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "(2, 3)\n"
    assert list(home.rglob("*")) == []
