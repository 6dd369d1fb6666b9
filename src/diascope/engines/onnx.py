"""Execute an exported graph with ONNX Runtime, without importing torch."""

import os
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from diascope.engines.exported import INPUT, outputs_of
from diascope.engines.outputs import Outputs


class OnnxEngine:
    """An ONNX file on the processor, in float32."""

    name, precision = "onnx", "float32"

    def __init__(self, graph: Path, bias: NDArray[np.float32]) -> None:
        self._bias = bias
        options = onnxruntime.SessionOptions()
        if limit := os.environ.get("OMP_NUM_THREADS"):  # as torch does, and for the same bits
            options.intra_op_num_threads = int(limit)
        self._session = onnxruntime.InferenceSession(
            str(graph), options, providers=["CPUExecutionProvider"]
        )
        self._names = [output.name for output in self._session.get_outputs()]

    def run(self, pictures: NDArray[np.float32]) -> Outputs:
        found = self._session.run(self._names, {INPUT: pictures})
        return outputs_of(dict(zip(self._names, found, strict=True)), self._bias)
