"""Which processors execute a network; torch is asked only where there may be an accelerator."""

import shutil
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

_SIGNS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""Of drivers of NVIDIA's, of Windows' subsystem for Linux, and of AMD's accelerators."""


def choose_device(wanted: str) -> str:
    """Return the device to use; ``auto`` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        ValueError: if that device is not on this machine.
    """
    if wanted == "auto":
        first = accelerators()[:1] or ("cpu",)
        return first[0].partition(":")[0]
    return _present(wanted)


def choose_devices(wanted: Literal["all"] | Sequence[str]) -> tuple[str, ...]:
    """Return the devices to use; ``all`` takes every accelerator, or the CPU where there is none.

    Raises:
        ValueError: naming a device that is not on this machine, or if they are of several kinds: no
            engine serves all of them.
    """
    if wanted == "all":
        return accelerators() or ("cpu",)
    devices = tuple(map(_present, wanted))
    if len({device.partition(":")[0] for device in devices}) > 1:
        raise ValueError(f"devices are of several kinds, one is allowed: {', '.join(devices)}")
    return devices


def accelerators() -> tuple[str, ...]:
    """Return what this machine has besides its processor: ``cuda:0``, ``cuda:1``, or ``mps``."""
    if not _perhaps_accelerated():
        return ()
    import torch

    if torch.cuda.is_available():
        return tuple(f"cuda:{number}" for number in range(torch.cuda.device_count()))
    return ("mps",) if torch.backends.mps.is_available() else ()


def describe_device(device: str) -> str:
    """Return what decides how fast an engine is on a device, beside the processor."""
    if not device.startswith("cuda"):
        return device
    import torch

    if not torch.cuda.is_available():
        return device
    card = torch.cuda.get_device_properties(device)
    kind = card.name, (card.major, card.minor), card.total_memory, card.multi_processor_count
    return f"cuda {kind}"


@cache
def _present(wanted: str) -> str:
    """Return a device that is there; it is asked once, for it may be lost while it works."""
    if wanted == "cpu":
        return wanted
    import torch

    try:
        torch.empty(1, device=wanted)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"the device {wanted!r} is not on this machine: {first}") from error
    kind = wanted.partition(":")[0]
    return kind if kind in ("cpu", "mps") else wanted  # of which a machine has one


def _perhaps_accelerated() -> bool:
    if sys.platform != "linux":
        return True
    return shutil.which("nvidia-smi") is not None or any(Path(sign).exists() for sign in _SIGNS)
