"""Execute an exported graph with ONNX Runtime, without importing torch."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diascope.cores import network_threads
from diascope.engines.exported import INPUT, outputs_from_parts, split_batch
from diascope.engines.outputs import Outputs

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # sent from version 1.29 on

import onnxruntime


class OnnxEngine:
    """Executes an ONNX file on the CPU in float32, one pair of pictures per core."""

    name, precision = "onnx", "float32"

    def __init__(self, graph: Path, bias: NDArray[np.float32]) -> None:
        self._bias = bias
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(graph), options, providers=["CPUExecutionProvider"]
        )
        self._names = [output.name for output in self._session.get_outputs()]
        self._threads = ThreadPoolExecutor(network_threads(), thread_name_prefix="onnx")

    def run(self, pictures: NDArray[np.float32]) -> Outputs:
        found = list(self._threads.map(self._pair, split_batch(pictures)))
        return outputs_from_parts(found, len(pictures), self._bias)

    def _pair(self, pictures: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        found = self._session.run(self._names, {INPUT: pictures})
        return dict(zip(self._names, found, strict=True))
