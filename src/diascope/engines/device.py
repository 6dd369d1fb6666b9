"""Which processor executes a network; torch is asked only where there may be an accelerator."""

import shutil
import sys
from pathlib import Path

_SIGNS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""Of drivers of NVIDIA's, of Windows' subsystem for Linux, and of AMD's accelerators."""


def choose_device(wanted: str) -> str:
    """Return the device to use; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        ValueError: if that device is not on this machine.
    """
    if wanted == "cpu" or (wanted == "auto" and not _perhaps_accelerated()):
        return "cpu"
    import torch

    if wanted == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.empty(1, device=wanted)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"the device {wanted!r} is not on this machine: {first}") from error
    return wanted


def _perhaps_accelerated() -> bool:
    if sys.platform != "linux":
        return True
    return shutil.which("nvidia-smi") is not None or any(Path(sign).exists() for sign in _SIGNS)
