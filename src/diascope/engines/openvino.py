"""Execute an exported graph with OpenVINO, without importing torch."""

import os
import sys
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diascope.engines.exported import INPUT, outputs_of
from diascope.engines.outputs import Outputs

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # it would call home

import openvino  # noqa: E402

_HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
"""Of int8, the graph itself says which layers; the others compute in float32."""

_CAPABILITIES = {"float32": "FP32", "bfloat16": "BF16", "float16": "FP16"}


class OpenVinoEngine:
    """An ONNX file or OpenVINO's own on the processor; its compiled form is kept in ``cache``."""

    name = "openvino"

    def __init__(self, graph: Path, bias: NDArray[np.float32], precision: str, cache: Path) -> None:
        self.precision, self._bias = precision, bias
        core = _core()
        options: dict[str, str | int] = {
            "INFERENCE_PRECISION_HINT": _HINTS.get(precision, "f32"),
            "PERFORMANCE_HINT": "LATENCY",  # all cores on one batch
            "CACHE_DIR": str(cache),
        }
        if limit := os.environ.get("OMP_NUM_THREADS"):  # as torch does, and for the same bits
            options["INFERENCE_NUM_THREADS"] = int(limit)
        self._model = core.compile_model(str(graph), "CPU", options)
        self._names = [output.any_name for output in self._model.outputs]

    def run(self, pictures: NDArray[np.float32]) -> Outputs:
        found = self._model({INPUT: pictures})
        return outputs_of({name: found[name] for name in self._names}, self._bias)


def read_graph(path: Path) -> openvino.Model:
    """Return a graph of ONNX's or OpenVINO's, for something to be made of it."""
    return _core().read_model(str(path))


def write_graph(model: openvino.Model, path: Path) -> None:
    """Write a graph as it is, in an ``.xml`` and a ``.bin`` beside it."""
    openvino.save_model(model, str(path), compress_to_fp16=False)


@cache
def _core() -> openvino.Core:
    """Return the process's only Core, which is never released.

    It gives the thread that makes it a larger stack for signal handlers, and takes that away in the
    thread that releases it: if that is another one, the next signal kills the process.
    """
    return openvino.Core()


def precisions() -> tuple[str, ...]:
    """Return the precisions that this processor computes in, the fastest first."""
    known = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    order = ("bfloat16", "float16", "float32")
    return tuple(name for name in order if _CAPABILITIES[name] in known)
