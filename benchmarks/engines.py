"""Speed of the network alone in every installed engine, compared with PyTorch eager.

    python benchmarks/engines.py [--rounds 5] [--batch 16] [--side 224]

The baseline is the module as its library builds it, eager under ``no_grad`` in NCHW: DenseNet-121,
EfficientNet-B0 and ResNet-18 of MONAI, ResNet with the usual stride of 2. Weights are random and
the same on both sides. Ours computes logits and evidence maps from pictures in [0, 1], which
includes normalisation. All share a process without the huge pages that our torch engines ask for
otherwise, and are faster with. If NNCF is installed, the whole backbone in int8 is measured too,
with ranges from the reference pictures. Rounds are interleaved. Prints pictures per second, the
ratio, the largest change of a score on the reference pictures, and whether the engine passes the
parity gate. Also prints the speed if the network's arithmetic ran at the rate of torch's float32
matrix product; this is close to a limit, though other libraries' products are faster on some
processors.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

os.environ["THP_MEM_ALLOC_ENABLE"] = "0"  # here runs the peer, as its users run it

import numpy as np
import torch
from machine import describe_machine, format_table, run_interleaved
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode

from diascope.card import WEIGHTS_FILE, Label, ModelCard, file_digest, write_card
from diascope.contracts import Runtime
from diascope.engines.open_engines import REFERENCE, EngineLoader
from diascope.engines.outputs import Engine
from diascope.engines.reference_pictures import draw_reference_pictures
from diascope.network import Network, build_head
from diascope.parity import compare_outputs
from diascope.plugin_creation import make_backbone

BACKBONES = ("densenet121", "efficientnet-b0", "resnet18", "efficientnet-lite0")
LEAST_SECONDS = 1.0
PRODUCT = "matrix product"
PRODUCT_SIDE = 2048
MATRIX = torch.rand(PRODUCT_SIDE, PRODUCT_SIDE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--compile", action="store_true", help="torch.compile too: minutes more")
    options = parser.parse_args()
    heading = f"Network alone, batch {options.batch}, {options.side} x {options.side}"
    print(f"{heading}; {describe_machine()}\n")
    for name in BACKBONES:
        with tempfile.TemporaryDirectory() as folder:
            measure(name, Path(folder), options)


def measure(name: str, folder: Path, options: argparse.Namespace) -> None:
    """Print the table of one backbone."""
    network, card = write_weights(name, folder, options.side)
    runtime = Runtime("cpu", "all", make_backbone, engine="auto", precision="auto")
    opening = EngineLoader(card, folder, runtime)
    candidates = opening.candidates()
    if options.compile:
        candidates += [("compile", "float32"), ("compile", "bfloat16")]
    references = draw_reference_pictures(card.size, card.channels)
    right = opening.open(REFERENCE).run(references)
    shape = (options.batch, options.side, options.side, 3)
    pictures = torch.rand(shape, generator=torch.Generator().manual_seed(0)).numpy()
    batch = torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()

    def eager() -> None:
        with torch.no_grad():
            network(batch)

    ways = {"PyTorch eager": rate_timer(eager, options.batch), PRODUCT: rate_timer(multiply, 1)}
    notes = {}
    engines = {" ".join(candidate): opening.open(candidate) for candidate in candidates}
    if find_spec("nncf"):
        engines["openvino int8"] = quantised_engine(opening, references, folder)
    for title, engine in engines.items():
        found = compare_outputs(right, engine.run(references), card)
        gate = "passes" if found.within(runtime.tolerance) else "is refused"
        notes[title] = f"{found}, {gate}"
        ways[title] = rate_timer(lambda engine=engine: engine.run(pictures), options.batch)
    rates = run_interleaved(ways, options.rounds)
    peak = rates.pop(PRODUCT) * 2 * PRODUCT_SIDE**3 / 1e9
    work = count_flops(eager) / options.batch / 1e9
    print(f"### {name}\n")
    print(format_table(rates, rates["PyTorch eager"], "pictures/s"))
    print("\n" + "; ".join(f"{title} {note}" for title, note in notes.items()))
    print(
        f"\n{work:.2f} GFLOP a picture; a float32 matrix product reaches {peak:.0f} GFLOP/s here: "
        f"{peak / work:.1f} pictures/s, ratio {peak / work / rates['PyTorch eager']:.2f}\n",
        flush=True,
    )


def quantised_engine(opening: EngineLoader, pictures: NDArray[np.float32], folder: Path) -> Engine:
    """Return an engine with the whole backbone in int8."""
    from diascope.engines.openvino import OpenVinoEngine
    from diascope.engines.quantise import write_quantised

    graph, bias = opening.exported()
    write_quantised(graph, None, pictures, folder / "int8.xml")
    return OpenVinoEngine(folder / "int8.xml", bias, "int8", folder)


def multiply() -> None:
    """Multiply two square matrices."""
    torch.mm(MATRIX, MATRIX)


def count_flops(call: Callable[[], object]) -> int:
    """Return the number of floating-point operations of a call's convolutions and products."""
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


def rate_timer(call: Callable[[], object], batch: int) -> Callable[[], float]:
    """Return a function that measures pictures per second over at least a second."""
    call()

    def measure_rate() -> float:
        start, count = time.perf_counter(), 0
        while (seconds := time.perf_counter() - start) < LEAST_SECONDS:
            call()
            count += batch
        return count / seconds

    return measure_rate


def write_weights(name: str, folder: Path, side: int) -> tuple[Network, ModelCard]:
    """Write random weights; return the network in its library's memory layout, and the card."""
    torch.manual_seed(0)
    backbone = make_backbone(name, {})
    network = Network(backbone.build(), build_head("linear", backbone.features, 7))
    normal = (draw_reference_pictures((side, side), 3) - np.float32(backbone.mean)) / np.float32(
        backbone.std
    )
    fit_batch_norms(network, normal)
    save_file(network.state_dict(), folder / WEIGHTS_FILE)
    card = ModelCard(
        name="benchmark",
        task="multiclass",
        labels=tuple(Label(f"label{number}") for number in range(7)),
        size=(side, side),
        backbone=name,
        mean=backbone.mean,
        std=backbone.std,
        score_kind="softmax",
    )
    card = replace(card, digest=file_digest(folder / WEIGHTS_FILE))
    write_card(card, folder)
    return network, card


def fit_batch_norms(network: Network, pictures: NDArray[np.float32]) -> None:
    """Set the batch norms' statistics from normalised pictures, so that outputs do not explode."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # cumulative average
    with torch.no_grad():
        network.train()(torch.from_numpy(pictures).permute(0, 3, 1, 2))
    network.eval()


if __name__ == "__main__":
    main()
