"""Choose the devices that execute a network. Imports torch only if there may be an accelerator."""

import shutil
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

_DRIVER_FILES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""Device files of NVIDIA's driver, of Windows' subsystem for Linux, and of AMD's accelerators."""


def choose_device(name: str) -> str:
    """Return the device to use; ``auto`` prefers CUDA, then Apple's MPS, then the CPU.

    Raises:
        ValueError: if this machine does not have that device.
    """
    if name == "auto":
        first = accelerators()[:1] or ("cpu",)
        return first[0].partition(":")[0]
    return _check_available(name)


def choose_devices(names: Literal["all"] | Sequence[str]) -> tuple[str, ...]:
    """Return the devices to use; ``all`` is every accelerator, or the CPU if there is none.

    Raises:
        ValueError: if this machine does not have one of the devices, or if they are of several
            kinds, which no engine supports.
    """
    if names == "all":
        return accelerators() or ("cpu",)
    devices = tuple(map(_check_available, names))
    if len({device.partition(":")[0] for device in devices}) > 1:
        raise ValueError(f"devices must be of one kind, got {', '.join(devices)}")
    return devices


def accelerators() -> tuple[str, ...]:
    """Return the accelerators of this machine, such as ``cuda:0`` and ``cuda:1``, or ``mps``."""
    if not _may_have_accelerator():
        return ()
    import torch

    if torch.cuda.is_available():
        return tuple(f"cuda:{number}" for number in range(torch.cuda.device_count()))
    return ("mps",) if torch.backends.mps.is_available() else ()


def describe_device(device: str) -> str:
    """Return the properties of a device, except the CPU's, that determine an engine's speed."""
    if not device.startswith("cuda"):
        return device
    import torch

    if not torch.cuda.is_available():
        return device
    card = torch.cuda.get_device_properties(device)
    kind = card.name, (card.major, card.minor), card.total_memory, card.multi_processor_count
    return f"cuda {kind}"


@cache
def _check_available(name: str) -> str:
    """Return the device's name if it exists. Cached, as a device may fail later in the run."""
    if name == "cpu":
        return name
    import torch

    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"the device {name!r} is not on this machine: {first}") from error
    kind = name.partition(":")[0]
    return kind if kind in ("cpu", "mps") else name  # a machine has only one of these


def _may_have_accelerator() -> bool:
    if sys.platform != "linux":
        return True
    has_driver = any(Path(file).exists() for file in _DRIVER_FILES)
    return has_driver or shutil.which("nvidia-smi") is not None
