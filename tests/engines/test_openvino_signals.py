"""Releasing an OpenVINO engine in another thread leaves signal handling intact."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import gc, os, signal, sys, threading
from pathlib import Path
import numpy as np
from diascope.engines.openvino import OpenVinoEngine, write_graph
from openvino import Model, opset13 as ops

signal.signal(signal.SIGTERM, lambda *_: print("taken"))
folder = Path(sys.argv[1])
pictures = ops.parameter([1, 2, 2, 3], np.float32)
write_graph(Model([ops.relu(pictures)], [pictures]), folder / "graph.xml")
engines = [OpenVinoEngine(folder / "graph.xml", np.zeros(1, np.float32), "float32", folder)]
thread = threading.Thread(target=lambda: (engines.clear(), gc.collect()))
thread.start()
thread.join()
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_signal_is_handled_after_another_thread_released_the_engine(
    tmp_path: Path,
) -> None:
    pytest.importorskip("openvino")
    command = [sys.executable, "-X", "faulthandler", "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout) == (0, "taken\n"), done.stderr
