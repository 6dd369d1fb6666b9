"""Torch asks for huge pages."""

import os
import subprocess
import sys
from mmap import PAGESIZE
from pathlib import Path

import pytest

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
VARIABLE = "THP_MEM_ALLOC_ENABLE"
SIZE = 64 << 20
CODE = f"""
import resource
import diascope.engines.torch
import torch

before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.zeros({SIZE}, dtype=torch.uint8).add_(1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(
    not HUGE_PAGES.is_file() or "[madvise]" not in HUGE_PAGES.read_text(),
    reason="needs a system that gives huge pages to programs that ask for them",
)
@pytest.mark.parametrize("setting", [None, "0"])
def test_large_tensors_are_mapped_in_huge_pages_unless_the_environment_forbids_it(
    setting: str | None,
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    if setting is not None:
        environment[VARIABLE] = setting
    faults = subprocess.check_output([sys.executable, "-c", CODE], env=environment, text=True)
    few = SIZE / PAGESIZE / 2
    assert (int(faults) < few) == (setting is None)
