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

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # it would call home

import openvino  # noqa: E402

_HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
"""Of int8, the graph itself says which layers; the others compute in float32."""

_CAPABILITIES = {"float32": "FP32", "bfloat16": "BF16", "float16": "FP16"}


_AT_ONCE = 16
"""Pairs in a batch of the usual 32 pictures: with more cores than that, several share a pair."""

_COMPILED = "*.blob"


class OpenVinoEngine:
    """An ONNX file or OpenVINO's own on the processor; its compiled form is kept in ``cache``."""

    name = "openvino"

    def __init__(self, graph: Path, bias: NDArray[np.float32], precision: str, cache: Path) -> None:
        self.precision, self._bias = precision, bias
        options: dict[str, str | int] = {
            "INFERENCE_PRECISION_HINT": _HINTS.get(precision, "f32"),
            "PERFORMANCE_HINT": "THROUGHPUT",  # each core answers pairs of its own
            "PERFORMANCE_HINT_NUM_REQUESTS": _AT_ONCE,
            "CACHE_DIR": str(cache),
        }
        if limit := omp_threads() or quota_threads():  # as torch does
            options["INFERENCE_NUM_THREADS"] = limit
        sound = set(filter(_is_sound, cache.glob(_COMPILED)))
        compiled = _core().compile_model(str(graph), "CPU", options)
        with suppress(OSError):  # the disk is full: it is compiled again the next time
            for each in {*cache.glob(_COMPILED)} - sound:
                graph_cache.write_entry(each.with_suffix(".json"), _digest(each))
        self._queue = openvino.AsyncInferQueue(compiled)
        self._queue.set_callback(_keep)

    def run(self, pictures: NDArray[np.float32]) -> Outputs:
        parts = split_batch(pictures)
        found: list[dict[str, NDArray[Any]]] = [{} for _ in parts]
        for part, answers in zip(parts, found, strict=True):
            self._queue.start_async({INPUT: part}, answers, share_inputs=True)
        self._queue.wait_all()
        return outputs_from_parts(found, len(pictures), self._bias)


def _is_sound(compiled: Path) -> bool:
    """Whether a compiled form is what was kept; else remove it, as OpenVINO would take most of it
    as it is."""
    with suppress(OSError):  # another run may remove it too
        if graph_cache.read_entry(compiled.with_suffix(".json")) == _digest(compiled):
            return True
        compiled.unlink()
    return False


def _digest(compiled: Path) -> dict[str, str]:
    with compiled.open("rb") as file:
        return {"digest": hashlib.file_digest(file, xxh3_128).hexdigest()}


def _keep(request: openvino.InferRequest, answers: dict[str, NDArray[Any]]) -> None:
    """Copy what a request gave, before it is used again."""
    for output, given in request.results.items():
        (name,) = output.names.intersection(OUTPUTS)  # it may have others, of what did nothing
        answers[name] = given.copy()


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
