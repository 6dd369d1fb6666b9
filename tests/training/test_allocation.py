"""Memory is mapped as seldom as possible."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = 4096
SIZE = 64 << 20
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
FAULTS = """
import resource
{before}
def faults():
    start = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    {allocate}
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - start
faults()
print(faults())
"""


def count_faults(before: str, allocate: str) -> int:
    """Return how often a process maps memory while it allocates what it freed just before."""
    code = FAULTS.format(before=before, allocate=allocate)
    return int(subprocess.check_output([sys.executable, "-c", code], text=True))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_a_training_does_not_map_again_what_it_freed() -> None:
    keep = "from diascope.training.allocation import keep_freed_memory; keep_freed_memory()"
    allocate = f"b'x' * {SIZE}"
    assert count_faults(keep, allocate) < SIZE / PAGE / 100


@pytest.mark.skipif(
    not HUGE_PAGES.is_file() or "[never]" in HUGE_PAGES.read_text(), reason="needs huge pages"
)
def test_torch_maps_large_tensors_in_huge_pages() -> None:
    allocate = f"torch.zeros({SIZE // 4}).add_(1)"
    assert count_faults("import diascope.engines.torch, torch", allocate) < SIZE / PAGE / 10
