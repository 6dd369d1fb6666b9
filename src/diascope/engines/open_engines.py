"""Open engines for one network. Torch is imported only if an engine needs it."""

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diascope.card import ModelCard
from diascope.contracts import Runtime
from diascope.engines import graph_cache
from diascope.engines.device import describe_device
from diascope.engines.exported import GRAPH_BATCH
from diascope.engines.outputs import Engine
from diascope.errors import RecipeError

if TYPE_CHECKING:
    from diascope.network import Network

Candidate = tuple[str, str]
"""An engine and a precision."""

REFERENCE: Candidate = ("torch", "float32")
INT8 = "int8"
"""The precision of quantised graphs; that of a certain graph is ``int8-`` and a digest prefix."""

PACKAGES = {
    "openvino": ("openvino", "onnx"),
    "onnx": ("onnxruntime", "onnx"),
    "ncnn": ("ncnn", "pnnx"),
    "torch": ("torch",),
    "compile": ("torch",),
}
"""The packages that each engine needs."""

_EXPORTED = ("openvino", "onnx", "ncnn")
"""The engines of exported graphs, which run on the processor."""

_NEWEST = "int8.json"


class EngineLoader:
    """Opens engines for the network in a weights folder, as a runtime requests them.

    Attributes:
        folder: the cache folder for this network on this machine.
    """

    def __init__(self, card: ModelCard, directory: Path, runtime: Runtime) -> None:
        self.card, self.runtime = card, runtime
        self._directory = directory
        self._network: Callable[[], Network] = cache(self._load_network)
        network_plugins = runtime.network_plugins
        self._facts = {
            "card": card.deciding(),
            "plugins": runtime.plugins if network_plugins is None else network_plugins,
            "device": describe_device(runtime.device),
            "together": GRAPH_BATCH,
            "versions": {name: installed(name) for name in PACKAGES},
            "diascope": version("diascope"),
            "processor": graph_cache.describe_processor(),
        }
        self.folder = graph_cache.engine_folder(self._facts)

    @cached_property
    def quantised_folder(self) -> Path:
        """The cache folder of int8 graphs, which are made with pictures that went through the
        steps."""
        return graph_cache.engine_folder(self._facts | {"plugins": self.runtime.plugins})

    @property
    def requested(self) -> Candidate:
        """The requested engine and precision; ``int8`` is the most recently quantised graph."""
        engine, precision = self.runtime.engine, self.runtime.precision
        if (
            precision == INT8
            and (newest := graph_cache.read_entry(self.quantised_folder / _NEWEST)) is not None
        ):
            precision = str(newest["precision"])
        return engine, precision

    def candidates(self) -> list[Candidate]:
        """Return the candidates for the request; ``compile`` and ``int8`` only if requested.

        Raises:
            RecipeError: if ``int8`` is requested and there is no such graph.
        """
        engine, precision = self.requested
        device = self.runtime.device
        if precision.startswith(INT8):
            if engine not in ("auto", "openvino") or device != "cpu" or not installed("openvino"):
                return []
            self._load_quantised(precision)
            return [("openvino", precision)]
        names = [*_EXPORTED, "torch"] if engine == "auto" else [engine]
        every: list[Candidate] = []
        for name in names:
            if installed(name) is None or (name in _EXPORTED and device != "cpu"):
                continue
            every += [(name, each) for each in _precisions(name, device)]
        return [each for each in every if precision in ("auto", each[1])]

    def open(self, candidate: Candidate) -> Engine:
        """Open an engine; raises what ``candidates`` and ``load_network`` raise."""
        name, precision = candidate
        if name in _EXPORTED:
            return self._open_exported(name, precision)
        from diascope.engines.torch import ReferenceEngine, TorchEngine

        network, device = self._network(), self.runtime.device
        if candidate == REFERENCE:
            return ReferenceEngine(network, self.card, device)
        compiled = name == "compile"
        return TorchEngine(network, self.card, device, precision, compiled=compiled)

    def exported(self) -> tuple[Path, NDArray[np.float32]]:
        """Return the file of the float32 graph, exporting it if necessary, and the logits' bias."""
        return self._load_or_export("graph.json", ".onnx", self._write_onnx)

    def keep_quantised(self, made: Path, parity: Mapping[str, Any]) -> str:
        """Store a quantised graph and its measured parity; return its precision.

        From now on ``int8`` is this graph. Older ones remain for runs that began with them.
        """
        _, bias = self.exported()
        precision = f"{INT8}-{graph_cache.graph_digest(made)[:8]}"
        facts = {"bias": bias.tolist(), "parity": dict(parity)}
        graph_cache.store_graph(self.quantised_folder / f"{precision}.json", made, facts)
        graph_cache.write_entry(self.quantised_folder / _NEWEST, {"precision": precision})
        return precision

    def recorded_parity(self, candidate: Candidate) -> dict[str, Any]:
        """Return the parity that is stored with a quantised graph; empty for other engines."""
        if not candidate[1].startswith(INT8):
            return {}
        parity: dict[str, Any] = self._load_quantised(candidate[1])[1]["parity"]
        return parity

    def _open_exported(self, name: str, precision: str) -> Engine:
        if name == "ncnn":
            from diascope.engines.ncnn import NcnnEngine

            return NcnnEngine(*self._load_or_export("ncnn.json", ".param", self._write_ncnn))
        if name == "onnx":
            from diascope.engines.onnx import OnnxEngine

            return OnnxEngine(*self.exported())
        from diascope.engines.openvino import OpenVinoEngine

        if not precision.startswith(INT8):
            return OpenVinoEngine(*self.exported(), precision, self.folder)
        path, facts = self._load_quantised(precision)
        return OpenVinoEngine(path, _bias(facts), precision, self.folder)

    def _load_or_export(
        self, entry: str, suffix: str, write: Callable[[Path], None]
    ) -> tuple[Path, NDArray[np.float32]]:
        """Return the cached file of a graph, writing it if necessary, and the logits' bias."""

        def make(path: Path) -> dict[str, Any]:
            write(path)
            return {"bias": self._network().head.bias.tolist()}

        path, facts = graph_cache.load_or_make_graph(self.folder / entry, suffix, make)
        return path, _bias(facts)

    def _write_onnx(self, path: Path) -> None:
        from diascope.engines.graph import export_onnx

        export_onnx(self._network(), self.card, path)

    def _write_ncnn(self, path: Path) -> None:
        from diascope.engines.ncnn_graph import export_ncnn

        export_ncnn(self._network(), self.card, path)

    def _load_quantised(self, precision: str) -> tuple[Path, dict[str, Any]]:
        found = graph_cache.load_graph(self.quantised_folder / f"{precision}.json")
        if found is None:
            raise RecipeError(
                f"there is no {precision} graph of {self.card.name} for these weights and these "
                "steps on this machine",
                where="run.precision",
                hint="Make one with your own pictures, and with the same --set if there are any: "
                "pipeline quantise RECIPE PHOTOS...",
            )
        return found

    def _load_network(self) -> "Network":
        from diascope.network import load_network

        backbone = self.runtime.backbone(self.card.backbone, self.card.backbone_parameters)
        return load_network(self.card, self._directory, backbone, self.runtime.device)


def _bias(entry: Mapping[str, Any]) -> NDArray[np.float32]:
    return np.array(entry["bias"], np.float32)


def installed(engine: str) -> str | None:
    """Return the versions of the packages that an engine needs; None if one is missing."""
    try:
        return ", ".join(f"{name} {version(name)}" for name in PACKAGES[engine])
    except PackageNotFoundError:
        return None


def _precisions(engine: str, device: str) -> tuple[str, ...]:
    if engine == "openvino":
        try:
            from diascope.engines.openvino import precisions

            return precisions()
        except Exception:  # OpenVINO is broken; opening the engine will report why
            return ("float32",)
    if engine in ("onnx", "ncnn") or device == "mps":
        return ("float32",)
    return ("bfloat16", "float32") if device == "cpu" else ("float16", "bfloat16", "float32")
