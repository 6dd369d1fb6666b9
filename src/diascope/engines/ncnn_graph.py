"""Export a classifier's graph to ncnn."""

import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import pnnx
import torch

from diascope.card import ModelCard
from diascope.engines.graph import Graph
from diascope.network import Network

_TIMEOUT_S = 600
_FIRST_RUN = """
import sys
from pathlib import Path
import numpy
from diascope.engines.ncnn import NcnnEngine
engine = NcnnEngine(Path(sys.argv[1]), numpy.zeros(1, numpy.float32))
engine.run(numpy.zeros(list(map(int, sys.argv[2:])), numpy.float32))
"""
"""Runs in a separate process, as a graph that ncnn does not support can crash it."""


def export_ncnn(network: Network, card: ModelCard, path: Path) -> None:
    """Write the graph in float32 as a ``.param`` and a ``.bin`` beside it, for one picture.

    Raises:
        RuntimeError: if pnnx fails to convert it, or ncnn to execute it.
        TimeoutExpired: if one of them does not finish.
    """
    graph = Graph(network, card, torch.float32).eval()
    shape = [1, *card.size, card.channels]
    with tempfile.TemporaryDirectory() as staging:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # about the fixed sizes
            traced = torch.jit.trace(graph, torch.zeros(shape))  # type: ignore[no-untyped-call]
        # torch's own save would abort the process if the disk is full
        Path(staging, "graph.pt").write_bytes(traced.save_to_buffer())
        given = "inputshape=[" + ",".join(map(str, shape)) + "]"
        # pnnx writes several files into its current folder
        _run([pnnx.EXEC_PATH, "graph.pt", given, "fp16=0"], staging)
        graph_file = f"{staging}/graph.ncnn.param"
        # -P: import nothing from the current folder
        _run([sys.executable, "-P", "-c", _FIRST_RUN, graph_file, *map(str, shape)], ".")
        for suffix in (".param", ".bin"):
            shutil.move(f"{staging}/graph.ncnn{suffix}", path.with_suffix(suffix))


def _run(command: list[str], folder: str) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
    )
    if done.returncode:
        output = (done.stderr or done.stdout).strip()[-300:]
        raise RuntimeError(f"{Path(command[0]).name} exited with {done.returncode}: {output}")
