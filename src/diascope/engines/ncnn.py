"""Execute an exported graph with ncnn, without importing torch.

ncnn computes 3 x 3 convolutions with fewer multiplications than other engines (Lavin and Gray 2016,
"Fast Algorithms for Convolutional Neural Networks"), so networks that consist mostly of these, such
as ResNet-18, run faster.
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
    """Executes an ncnn graph (a ``.param`` and its ``.bin``) in float32, one picture per core."""

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
            raise RuntimeError(f"ncnn cannot read {graph}: a damaged file or an unsupported layer")
        self._names = OUTPUTS[: len(self._net.output_names())]
        self._threads = ThreadPoolExecutor(network_threads(), thread_name_prefix="ncnn")

    def run(self, pictures: NDArray[np.float32]) -> Outputs:
        found = list(self._threads.map(self._one, split_batch(pictures, 1)))
        return outputs_from_parts(found, len(pictures), self._bias)

    def _one(self, pictures: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        extractor = self._net.create_extractor()
        picture = ncnn.Mat(np.ascontiguousarray(pictures[0]))
        extractor.input(_INPUT, picture.clone())  # ncnn may overwrite its input
        found = {}
        for number, name in enumerate(self._names):
            failed, given = extractor.extract(_OUTPUT.format(number))
            if failed:
                raise RuntimeError(f"ncnn could not compute {name}: perhaps out of memory")
            answer = np.array(given)
            found[name] = answer if name == OUTPUTS[2] else answer[None]  # ncnn has no batch axis
        return found
