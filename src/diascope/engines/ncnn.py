"""Execute an exported graph with ncnn, without importing torch.

Convolutions of 3 x 3 take it fewer multiplications than others (Lavin and Gray 2016, "Fast
Algorithms for Convolutional Neural Networks"), so networks that are mostly those, as ResNet-18 is,
run faster.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ncnn
import numpy as np
from numpy.typing import NDArray

from diascope.cores import network_threads
from diascope.engines.exported import OUTPUTS, outputs_from_parts, split_batch
from diascope.engines.outputs import Outputs

_INPUT = "in0"
_OUTPUT = "out{}"


class NcnnEngine:
    """A graph of ncnn's (a ``.param`` and the ``.bin`` beside it), in float32; each core answers
    pictures of its own."""

    name, precision = "ncnn", "float32"

    def __init__(self, graph: Path, bias: NDArray[np.float32]) -> None:
        self._bias = bias
        self._net = ncnn.Net()
        options = self._net.opt
        options.num_threads = 1
        for each in dir(options):
            if each.startswith(("use_fp16", "use_bf16")):
                setattr(options, each, False)
        read = (
            self._net.load_param(str(graph)),
            self._net.load_model(str(graph.with_suffix(".bin"))),
        )
        if any(read):
            raise RuntimeError(f"ncnn cannot read {graph}: a file is damaged, or a layer unknown")
        self._names = OUTPUTS[: len(self._net.output_names())]
        self._threads = ThreadPoolExecutor(network_threads(), thread_name_prefix="ncnn")

    def run(self, pictures: NDArray[np.float32]) -> Outputs:
        found = list(self._threads.map(self._one, split_batch(pictures, 1)))
        return outputs_from_parts(found, len(pictures), self._bias)

    def _one(self, pictures: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        extractor = self._net.create_extractor()
        picture = ncnn.Mat(np.ascontiguousarray(pictures[0]))
        extractor.input(_INPUT, picture.clone())  # it may write into what it is given
        found = {}
        for number, name in enumerate(self._names):
            failed, given = extractor.extract(_OUTPUT.format(number))
            if failed:
                raise RuntimeError(f"ncnn could not work out {name}: out of memory, perhaps")
            answer = np.array(given)
            found[name] = answer if name == OUTPUTS[2] else answer[None]  # it knows no batches
        return found
