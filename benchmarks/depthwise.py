"""Training steps with torch's depthwise convolutions and with ours, alternating in one process.

    python benchmarks/depthwise.py [--rounds 5] [--side 192] [--batch 32]

A step is forward, cross-entropy, backward and AdamW of EfficientNet-Lite0 in bfloat16 on the CPU;
pictures are random numbers. Prints pictures per second of both for each round, and the median
ratio.
"""

import argparse
import statistics
import time
from contextlib import AbstractContextManager, nullcontext

import torch
from torch.nn import functional

from diascope.backbones.efficientnet_lite import EfficientNetLite0
from diascope.network import Network, build_head
from diascope.training.depthwise import FastDepthwise

STEPS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", type=int, default=192)
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()

    torch.manual_seed(0)
    backbone = EfficientNetLite0()
    network = Network(backbone.build(), build_head("linear", backbone.features, 7))
    network.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), 1e-4)
    pictures = torch.randn(options.batch, 3, options.side, options.side)
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, 7, (options.batch,))

    def speed(way: AbstractContextManager[object]) -> float:
        begin = time.perf_counter()
        for _ in range(STEPS):
            with way, torch.autocast("cpu", dtype=torch.bfloat16):
                loss = functional.cross_entropy(network(pictures), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return STEPS * options.batch / (time.perf_counter() - begin)

    speed(nullcontext()), speed(FastDepthwise())  # warm up
    ratios = []
    for _ in range(options.rounds):
        plain, quick = speed(nullcontext()), speed(FastDepthwise())
        ratios.append(quick / plain)
        print(f"torch {plain:6.1f} pictures/s   ours {quick:6.1f}   ratio {quick / plain:.2f}")
    print(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
