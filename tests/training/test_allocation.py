"""A training keeps the memory that it frees."""

import platform
import subprocess
import sys

import pytest

SIZE = 3 << 30
CODE = f"""
import ctypes
from mmap import PAGESIZE
from pathlib import Path
from diascope.training.allocation import keep_freed_memory

def mapped():
    return PAGESIZE * int(Path("/proc/self/statm").read_text().split()[0])

keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
before = mapped()
libc.free(libc.malloc(ctypes.c_size_t({SIZE})))
print(mapped() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_freed_blocks_of_gigabytes_stay_mapped() -> None:
    kept = subprocess.check_output([sys.executable, "-c", CODE], text=True)
    assert int(kept) > 0.9 * SIZE
