"""Make the engines of one network; it is loaded into torch only where one of them needs that."""

from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from diascope.card import ModelCard
from diascope.contracts import Runtime
from diascope.engines import store
from diascope.engines.outputs import Engine

if TYPE_CHECKING:
    from diascope.network import Network

Candidate = tuple[str, str]
"""An engine and a precision."""

REFERENCE: Candidate = ("torch", "float32")
PACKAGES = {
    "openvino": ("openvino", "onnx"),
    "onnx": ("onnxruntime", "onnx"),
    "torch": ("torch",),
    "compile": ("torch",),
}
"""Engine to the packages that it needs."""


class Opening:
    """The engines of the network in a weights folder, as a runtime wants them.

    Attributes:
        folder: where what is found out about this network on this machine is kept.
    """

    def __init__(self, card: ModelCard, directory: Path, runtime: Runtime) -> None:
        self.card, self.runtime = card, runtime
        self._directory = directory
        self._network: Callable[[], Network] = cache(self._load)
        self.folder = store.store(
            {
                "card": card.deciding(),
                "plugins": runtime.plugins,
                "device": runtime.device,
                "versions": {name: installed(name) for name in PACKAGES},
                "diascope": version("diascope"),
                "processor": store.processor(),
            }
        )

    def candidates(self) -> list[Candidate]:
        """Return what may be tried for the runtime's wish; ``compile`` only if it is named."""
        engine, precision = self.runtime.engine, self.runtime.precision
        device = self.runtime.device
        names = ["openvino", "onnx", "torch"] if engine == "auto" else [engine]
        every: list[Candidate] = []
        for name in names:
            if installed(name) is None or (name in ("openvino", "onnx") and device != "cpu"):
                continue
            every += [(name, each) for each in _precisions(name, device)]
        return [each for each in every if precision in ("auto", each[1])]

    def open(self, candidate: Candidate) -> Engine:
        """Make an engine.

        Raises:
            WeightsError: if the weights are missing, damaged or do not fit.
        """
        name, precision = candidate
        if name in ("openvino", "onnx"):
            path, numbers = store.kept_graph(self.folder, self._export)
            bias = np.array(numbers, np.float32)
            if name == "onnx":
                from diascope.engines.onnx import OnnxEngine

                return OnnxEngine(path, bias)
            from diascope.engines.openvino import OpenVinoEngine

            return OpenVinoEngine(path, bias, precision, self.folder)
        from diascope.engines.torch import Reference, TorchEngine

        network, device = self._network(), self.runtime.device
        if candidate == REFERENCE:
            return Reference(network, self.card, device)
        compiled = name == "compile"
        return TorchEngine(network, self.card, device, precision, compiled=compiled)

    def _load(self) -> "Network":
        from diascope.network import load_network

        backbone = self.runtime.backbone(self.card.backbone, self.card.backbone_parameters)
        return load_network(self.card, self._directory, backbone, self.runtime.device)

    def _export(self, path: Path) -> list[float]:
        from diascope.engines.graph import export_onnx

        network = self._network()
        export_onnx(network, self.card, path)
        bias: list[float] = network.head.bias.tolist()
        return bias


def installed(engine: str) -> str | None:
    """Return the versions of the packages that an engine needs; None if one is missing."""
    try:
        return ", ".join(f"{name} {version(name)}" for name in PACKAGES[engine])
    except PackageNotFoundError:
        return None


def _precisions(engine: str, device: str) -> tuple[str, ...]:
    if engine == "openvino":
        from diascope.engines.openvino import precisions

        return precisions()
    if engine == "onnx" or device == "mps":
        return ("float32",)
    return ("bfloat16", "float32") if device == "cpu" else ("float16", "bfloat16", "float32")
