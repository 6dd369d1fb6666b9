"""Shared by the benchmarks: a description of the machine, a picture, interleaved rounds, tables."""

import os
import platform
import statistics
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

EXAMPLE = str(
    Path(__file__).parents[1]
    / "plugins/diascope-derm/src/diascope_derm/recipes/examples/phantom-melanoma-like.jpg"
)
_PACKAGES = ("torch", "monai", "openvino", "onnxruntime", "ncnn")
_ABILITIES = ("amx_bf16", "avx512_bf16", "avx512_vnni", "avx512f", "avx2")


def describe_machine() -> str:
    """Return the processor, its features that matter to networks, and library versions."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    facts = {key.strip(): value.strip() for key, value in pairs}
    name = facts.get("model name", platform.processor())
    flags = facts.get("flags", "").split()
    able = ", ".join(ability for ability in _ABILITIES if ability in flags)
    found = ", ".join(f"{each} {_version(each)}" for each in _PACKAGES if _version(each))
    cores = len(os.sched_getaffinity(0))
    return f"{name}, {cores} cores ({able}), Python {platform.python_version()}, {found}"


def run_interleaved(ways: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Call each function once per round, in turn, and return the median of its results."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(way())
    return {name: statistics.median(each) for name, each in found.items()}


def format_table(rates: Mapping[str, float], base: float, unit: str) -> str:
    """Return rates and their ratios to ``base`` as a Markdown table."""
    rows = [f"| {name} | {rate:.1f} | {rate / base:.2f} |" for name, rate in rates.items()]
    return "\n".join([f"| | {unit} | ratio |", "| --- | --- | --- |", *rows])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
