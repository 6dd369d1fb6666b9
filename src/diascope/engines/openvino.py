"""Execute an exported graph with OpenVINO, without importing torch."""

import hashlib
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_128

from diascope.cores import omp_threads, quota_threads
from diascope.engines import graph_cache
from diascope.engines.exported import INPUT, OUTPUTS, outputs_from_parts, split_batch
from diascope.engines.outputs import Outputs

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # sends usage data

import openvino  # noqa: E402

_HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
"""An int8 graph itself marks its int8 layers; the others compute in float32."""

_CAPABILITIES = {"float32": "FP32", "bfloat16": "BF16", "float16": "FP16"}


_AT_ONCE = 16
"""The number of pairs in a batch of the usual 32 pictures. With more cores, several share a pair.
"""

_COMPILED = "*.blob"


class OpenVinoEngine:
    """Executes an ONNX or OpenVINO graph on the CPU; the compiled model is kept in ``cache``."""

    name = "openvino"

    def __init__(self, graph: Path, bias: NDArray[np.float32], precision: str, cache: Path) -> None:
        self.precision, self._bias = precision, bias
        options: dict[str, str | int] = {
            "INFERENCE_PRECISION_HINT": _HINTS.get(precision, "f32"),
            "PERFORMANCE_HINT": "THROUGHPUT",  # each core processes its own pairs
            "PERFORMANCE_HINT_NUM_REQUESTS": _AT_ONCE,
            "CACHE_DIR": str(cache),
        }
        if limit := omp_threads() or quota_threads():  # as torch does
            options["INFERENCE_NUM_THREADS"] = limit
        intact = set(filter(_is_intact, cache.glob(_COMPILED)))
        compiled = _core().compile_model(str(graph), "CPU", options)
        with suppress(OSError):  # if the disk is full, the next run compiles it again
            for each in {*cache.glob(_COMPILED)} - intact:
                graph_cache.write_entry(each.with_suffix(".json"), _digest(each))
        self._queue = openvino.AsyncInferQueue(compiled)
        self._queue.set_callback(_copy_results)

    def run(self, pictures: NDArray[np.float32]) -> Outputs:
        parts = split_batch(pictures)
        found: list[dict[str, NDArray[Any]]] = [{} for _ in parts]
        for part, answers in zip(parts, found, strict=True):
            self._queue.start_async({INPUT: part}, answers, share_inputs=True)
        self._queue.wait_all()
        return outputs_from_parts(found, len(pictures), self._bias)


def _is_intact(compiled: Path) -> bool:
    """Return whether a compiled model is intact; delete it if not, as OpenVINO hardly checks it."""
    with suppress(OSError):  # another run may delete it too
        if graph_cache.read_entry(compiled.with_suffix(".json")) == _digest(compiled):
            return True
        compiled.unlink()
    return False


def _digest(compiled: Path) -> dict[str, str]:
    with compiled.open("rb") as file:
        return {"digest": hashlib.file_digest(file, xxh3_128).hexdigest()}


def _copy_results(request: openvino.InferRequest, answers: dict[str, NDArray[Any]]) -> None:
    """Copy the results of a request before it is reused."""
    for output, result in request.results.items():
        (name,) = output.names.intersection(OUTPUTS)  # it may also have names of removed layers
        answers[name] = result.copy()


def read_graph(path: Path) -> openvino.Model:
    """Read an ONNX or OpenVINO graph."""
    return _core().read_model(str(path))


def write_graph(model: openvino.Model, path: Path) -> None:
    """Write a graph without changes as an ``.xml`` and a ``.bin`` beside it."""
    openvino.save_model(model, str(path), compress_to_fp16=False)


@cache
def _core() -> openvino.Core:
    """Return the process's only Core, which is never released.

    It installs a larger stack for signal handlers in the thread that creates it, and removes it in
    the thread that releases it. If these differ, the next signal kills the process.
    """
    return openvino.Core()


def precisions() -> tuple[str, ...]:
    """Return the precisions that this CPU supports, the fastest first."""
    known = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    order = ("bfloat16", "float16", "float32")
    return tuple(name for name in order if _CAPABILITIES[name] in known)
