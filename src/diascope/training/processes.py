"""The processes of a training, one a device: the command, and helpers that begin and end by it."""

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

from diascope.engines.torch import detect_lost_device
from diascope.errors import DeviceError, UsageError
from diascope.training.options import TrainOptions

_TIMEOUT = timedelta(days=7)
"""For another process: the first one validates and measures alone, which may take hours."""
_GRACE_S = 60
"""For the first process to tell why it ended, until a helper tells it instead."""
_FIRST = "DIASCOPE_FIRST_PROCESS"


def device_count(options: TrainOptions) -> int:
    """Return how many devices train: as the recipe says, else all GPUs, or the processor.

    Raises:
        UsageError: if the recipe wants more GPUs than are there.
    """
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if options.devices == "auto":
        return there or 1
    if there and options.devices > there:
        raise UsageError(f"train.devices is {options.devices}, and {there} GPUs are here")
    return options.devices


def make_fabric(options: TrainOptions) -> Any:
    """Return the Fabric of a training on the GPUs of this machine, or on its processor.

    It starts its helpers itself: a scheduler such as SLURM has given this machine one task. From
    then on, this process's convolutions on GPUs add up in the same order every time.
    """
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment
    from lightning_fabric.strategies.ddp import DDPStrategy

    on_gpu, count = torch.cuda.is_available(), device_count(options)
    if options.precision == "16-mixed" and not on_gpu:
        raise UsageError(
            "precision: 16-mixed needs a GPU", hint="Write bf16-mixed, or 32-true, for processors."
        )
    torch.backends.cudnn.deterministic = True
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it tells what was asked for
    return Fabric(
        accelerator="cuda" if on_gpu else "cpu",
        devices=count,
        precision=options.precision,
        strategy=DDPStrategy(timeout=_TIMEOUT) if count > 1 else "auto",
        plugins=[LightningEnvironment()],
    )


@contextmanager
def ending_together(fabric: Any) -> Iterator[None]:
    """Let helpers end with the first process, which alone is interrupted and tells why it ended.

    Raises:
        DeviceError: if another process is gone, which a helper tells only if the first one has not,
            or if this one's device has failed.
    """
    if fabric.is_global_zero:
        os.environ[_FIRST] = str(os.getpid())  # it may be gone before a helper looks for it
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
        reason = str(error).partition("\n")[0]  # a trace in C++ follows
        if not fabric.is_global_zero:  # Lightning kills the first when a helper fails
            time.sleep(_GRACE_S)
        raise DeviceError(
            f"another process of this training ended, or is out of reach: {reason}",
            hint="It may have said why, or its memory ran out. The same command goes on.",
        ) from error


def _is_lost_peer(error: RuntimeError) -> bool:
    """Whether that is what torch raises in a process whose partner is gone."""
    return isinstance(error, torch.distributed.DistError) or "gloo" in str(error)


def _exit_with_parent(parent: int) -> None:
    """End this process, even if it waits for others within a call, once its parent is gone."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
