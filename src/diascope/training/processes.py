"""The processes of a training, one per device: the first one starts and ends the helpers."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch

from diascope.errors import DeviceError, UsageError
from diascope.torch_process import detect_lost_device, disable_tf32, has_fast_bfloat16
from diascope.training.options import Precision, TrainOptions

_TIMEOUT = timedelta(days=7)
"""For collective calls: the first process validates and evaluates alone, which may take hours."""
_GRACE_S = 60
"""Time for the first process to report why it ended, before a helper reports it instead."""
_LAUNCHER = "lightning_fabric.strategies.launchers.subprocess_script"
_FIRST = "DIASCOPE_FIRST_PROCESS"


def device_count(options: TrainOptions) -> int:
    """Return the number of training devices: the recipe's, or all GPUs, or 1 for the CPU.

    Raises:
        UsageError: if the recipe asks for more GPUs than there are.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if options.devices == "auto":
        return gpus or 1
    if gpus and options.devices > gpus:
        raise UsageError(f"train.devices is {options.devices}, but {gpus} GPUs are available")
    return options.devices


def training_precision(options: TrainOptions) -> Precision:
    """Return the precision to train in: not ``bf16-mixed`` on a processor that is slow at it."""
    slow = not torch.cuda.is_available() and not has_fast_bfloat16()
    return "32-true" if options.precision == "bf16-mixed" and slow else options.precision


def precision_note(options: TrainOptions) -> str:
    """Return a note for the user if training uses another precision than the recipe's, or ""."""
    if (used := training_precision(options)) == options.precision:
        return ""
    return (
        f"trains in {used} instead of {options.precision}, which is many times slower here: torch "
        "has no fast bfloat16 on this processor"
    )


def make_fabric(options: TrainOptions) -> Any:
    """Return a Fabric for the GPUs of this machine, or for its CPU.

    It starts its helpers itself even under a scheduler such as SLURM, which runs one task on this
    machine. From now on, this process's cuDNN convolutions are deterministic and, like those of
    runs, use full float32.
    """
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment
    from lightning_fabric.strategies.ddp import DDPStrategy

    on_gpu, count = torch.cuda.is_available(), device_count(options)
    if options.precision == "16-mixed" and not on_gpu:
        raise UsageError(
            "precision: 16-mixed needs a GPU", hint="Write bf16-mixed or 32-true for a CPU."
        )
    torch.backends.cudnn.deterministic = True
    disable_tf32("cuda")
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it repeats the settings
    logging.getLogger(_LAUNCHER).setLevel(logging.INFO)  # tells that a helper has failed
    return Fabric(
        accelerator="cuda" if on_gpu else "cpu",
        devices=count,
        precision=training_precision(options),
        strategy=DDPStrategy(timeout=_TIMEOUT) if count > 1 else "auto",
        plugins=[LightningEnvironment()],
    )


@contextmanager
def ending_together(fabric: Any) -> Iterator[None]:
    """Let helpers end with the first process, which alone handles Ctrl-C and reports errors.

    Raises:
        DeviceError: if another process is gone (a helper waits for the first process to report it)
            or if this process's device has failed.
    """
    if fabric.is_global_zero:
        os.environ[_FIRST] = str(os.getpid())  # it may end before a helper asks for its parent
    else:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        parent = int(os.environ.get(_FIRST, os.getppid()))
        threading.Thread(target=_exit_with_parent, args=(parent,), daemon=True).start()
    try:
        with detect_lost_device(str(fabric.device)):
            yield
    except RuntimeError as error:
        if fabric.world_size == 1 or not _is_lost_peer(error):
            raise
        reason = str(error).partition("\n")[0]  # a C++ stack trace follows
        if not fabric.is_global_zero:  # Lightning kills the first when a helper fails
            time.sleep(_GRACE_S)
        raise DeviceError(
            f"another process of this training ended, or cannot be reached: {reason}",
            hint="It may have reported why, or run out of memory. The same command resumes.",
        ) from error


def _is_lost_peer(error: RuntimeError) -> bool:
    """Whether torch raised the error because another process is gone."""
    return isinstance(error, torch.distributed.DistError) or "gloo" in str(error)


def _exit_with_parent(parent: int) -> None:
    """Exit once the parent is gone, even if this process is blocked in a collective call."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
