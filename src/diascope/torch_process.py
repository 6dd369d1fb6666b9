"""What torch may do in this process: threads, memory, precision, and a device that is lost."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from diascope.cores import quota_threads
from diascope.errors import DeviceError

# Read by torch at its first tensor; it then asks for huge pages, which the system maps much faster.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


def disable_tf32(device: str) -> None:
    """Keep CUDA's float32 convolutions, process-wide, from rounding to ten bits (TF32)."""
    if device.startswith("cuda"):
        torch.backends.cudnn.allow_tf32 = False


def has_fast_bfloat16() -> bool:
    """Whether torch has fast convolutions in bfloat16 for this processor, by oneDNN.

    It has them for AVX-512, AMX, AVX-NE-CONVERT and Arm with BF16. Otherwise bfloat16 is many times
    as slow as float32.
    """
    known = hasattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported")  # if torch has oneDNN
    return known and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def limit_threads() -> None:
    """Limit torch's threads to a container's CPU quota, for the whole process."""
    if limit := quota_threads():
        torch.set_num_threads(min(limit, torch.get_num_threads()))


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Set the number of torch's threads within the context."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def detect_lost_device(device: str) -> Iterator[None]:
    """Distinguish an accelerator that has failed permanently from a batch that it cannot process.

    Raises:
        DeviceError: if the accelerator has failed, so that every later call would fail too.
    """
    try:
        yield
    except torch.cuda.OutOfMemoryError:  # a smaller batch may fit once this one is freed
        raise
    except RuntimeError as error:
        try:
            torch.zeros(1, device=device).cpu()
        except RuntimeError:
            raise DeviceError(
                f"the device {device} failed: {str(error).splitlines()[0]}",
                hint="Run the same command again to resume.",
            ) from error
        raise
