"""Write a classifier's graph as ncnn reads it."""

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

_SECONDS = 600
_FIRST_RUN = """
import sys
from pathlib import Path
import numpy
from diascope.engines.ncnn import NcnnEngine
engine = NcnnEngine(Path(sys.argv[1]), numpy.zeros(1, numpy.float32))
engine.run(numpy.zeros(list(map(int, sys.argv[2:])), numpy.float32))
"""
"""In a process of its own, for a graph that ncnn does not understand can crash it; by ``-P`` none
of its modules is taken from the folder that the command is run in."""


def export_ncnn(network: Network, card: ModelCard, path: Path) -> None:
    """Write the graph in float32 as a ``.param``, and the ``.bin`` beside it, for one picture.

    Raises:
        RuntimeError: if pnnx, which makes it, or ncnn, which executes it, fails.
        TimeoutExpired: if one of them does not end.
    """
    graph = Graph(network, card, torch.float32).eval()
    shape = [1, *card.size, card.channels]
    with tempfile.TemporaryDirectory() as staging:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # that sizes are fixed in it
            traced = torch.jit.trace(graph, torch.zeros(shape))  # type: ignore[no-untyped-call]
        # torch itself ends the process where the disk is full
        Path(staging, "graph.pt").write_bytes(traced.save_to_buffer())
        given = "inputshape=[" + ",".join(map(str, shape)) + "]"
        _succeed([pnnx.EXEC_PATH, "graph.pt", given, "fp16=0"], staging)  # it writes what it likes
        graph_file = f"{staging}/graph.ncnn.param"
        _succeed([sys.executable, "-P", "-c", _FIRST_RUN, graph_file, *map(str, shape)], ".")
        for suffix in (".param", ".bin"):
            shutil.move(f"{staging}/graph.ncnn{suffix}", path.with_suffix(suffix))


def _succeed(command: list[str], folder: str) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-300:]
        raise RuntimeError(f"{Path(command[0]).name} ended with {done.returncode}: {said}")
