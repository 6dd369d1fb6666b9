"""The processes of a training start and end together, and one of them reports why."""

import logging
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
import torch

from diascope.errors import DeviceError, UsageError
from diascope.training import processes
from diascope.training.options import TrainOptions
from diascope.training.processes import device_count, ending_together, make_fabric
from tests.runs import PATIENCE_S, start
from tests.training.trainings import write_table, write_training

subprocess_script = pytest.importorskip(
    "lightning_fabric.strategies.launchers.subprocess_script", reason="needs diascope[train]"
)

OPTIONS = TrainOptions(table=None, backbone="b")  # type: ignore[arg-type]
GONE = "[/gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:13495"
DEADLY = """
import os, signal
from dataclasses import dataclass

@dataclass(frozen=True)
class Deadly:
    api = (1, 0)
    def __call__(self, picture, random):
        if os.environ.get("LOCAL_RANK") == "1":
            os.kill(os.getpid(), signal.SIGKILL)
        return picture
"""

WAITING = """
import atexit, os, threading
from dataclasses import dataclass

@dataclass(frozen=True)
class Waiting:
    api = (1, 0)
    def __call__(self, picture, random):
        if os.environ.get("LOCAL_RANK") == "0":  # not in the dry run before
            atexit.register(threading.Event().wait)  # as NCCL does
            raise ValueError("the first process fails")
        return picture
"""


def test_a_scheduler_that_gave_one_task_does_not_make_one_process_of_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NTASKS", "NTASKS_PER_NODE", "NNODES"):
        monkeypatch.setenv(f"SLURM_{name}", "1")
    environment = make_fabric(replace(OPTIONS, devices=2)).strategy.cluster_environment
    environment.validate_settings(num_devices=2, num_nodes=1)
    assert not environment.creates_processes_externally


def test_helpers_wait_for_days_while_the_first_process_validates() -> None:
    assert make_fabric(replace(OPTIONS, devices=2)).strategy._timeout > timedelta(days=1)


def test_lightning_does_not_repeat_what_the_recipe_says(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "lightning_fabric")
    make_fabric(replace(OPTIONS, precision="bf16-mixed"))
    assert caplog.text == ""


def test_lightning_tells_that_a_helper_has_failed() -> None:
    make_fabric(OPTIONS)
    assert logging.getLogger(subprocess_script.__name__).isEnabledFor(logging.INFO)


def test_convolutions_on_gpus_add_up_in_the_same_order_every_time_and_in_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    make_fabric(OPTIONS)
    assert torch.backends.cudnn.deterministic
    assert not torch.backends.cudnn.allow_tf32


def test_more_gpus_than_are_here_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device_count(OPTIONS) == device_count(replace(OPTIONS, devices=2)) == 2
    with pytest.raises(UsageError, match="devices is 3, but 2 GPUs are available"):
        device_count(replace(OPTIONS, devices=3))


@pytest.mark.parametrize(("processes", "told"), [(1, RuntimeError), (2, DeviceError)])
def test_a_lost_process_is_reported_if_there_are_several(
    processes: int, told: type[Exception]
) -> None:
    first = SimpleNamespace(is_global_zero=True, world_size=processes, device="cpu")
    with pytest.raises(told, match="Connection closed by peer"), ending_together(first):
        raise RuntimeError(GONE)


def test_a_failed_device_is_reported() -> None:
    alone = SimpleNamespace(is_global_zero=True, world_size=1, device="meta")  # can compute nothing
    with (
        pytest.raises(DeviceError, match="the device meta failed: CUDA error"),
        ending_together(alone),
    ):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")


@pytest.mark.parametrize("parents", [[7, 7, 7, 1], [1]], ids=["ends later", "ended before"])
def test_a_helper_ends_with_the_first_process_and_leaves_interruptions_to_it(
    monkeypatch: pytest.MonkeyPatch, parents: list[int]
) -> None:
    ended, heeds = Event(), list[object]()
    told = iter(parents)
    monkeypatch.setenv(processes._FIRST, "7")
    monkeypatch.setattr(os, "getppid", lambda: next(told, 1))
    monkeypatch.setattr(os, "_exit", lambda code: ended.set())
    monkeypatch.setattr(signal, "signal", lambda *which: heeds.append(which))
    with ending_together(SimpleNamespace(is_global_zero=False, world_size=2, device="cpu")):
        assert ended.wait(PATIENCE_S)
    assert heeds == [(signal.SIGINT, signal.SIG_IGN)]


def test_a_helper_that_lost_the_first_process_lets_it_tell_and_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited = list[float]()
    monkeypatch.setattr(processes, "_exit_with_parent", lambda parent: None)
    monkeypatch.setattr(signal, "signal", lambda *which: None)
    monkeypatch.setattr(processes, "time", SimpleNamespace(sleep=waited.append))
    helper = SimpleNamespace(is_global_zero=False, world_size=2, device="cpu")
    with pytest.raises(DeviceError, match="Connection closed by peer"), ending_together(helper):
        raise RuntimeError(GONE)
    assert waited == [processes._GRACE_S]


def test_a_helper_that_is_killed_ends_the_training_with_a_sentence(
    tmp_path: Path, install: Callable[..., None]
) -> None:
    install("deadly", "[diascope.augmentations]\ndeadly = deadly:Deadly\n", deadly=DEADLY)
    table = write_table(tmp_path / "pictures", ["red", "green"])
    recipe = write_training(tmp_path / "two.yaml", table, devices=2, augment=["deadly"])
    process = start(tmp_path / "site", "train", recipe, "--output", tmp_path / "out")
    try:
        _, err = process.communicate(timeout=2 * PATIENCE_S)
    finally:
        process.kill()
    said = "another process of this training ended", "Child process with PID"  # Lightning's words
    assert any(words in err for words in said), err
    assert "Traceback" not in err


def test_a_process_that_failed_does_not_wait_for_the_others(
    tmp_path: Path, install: Callable[..., None]
) -> None:
    install("waiting", "[diascope.augmentations]\nwaiting = waiting:Waiting\n", waiting=WAITING)
    table = write_table(tmp_path / "pictures", ["red", "green"])
    recipe = write_training(tmp_path / "two.yaml", table, devices=2, augment=["waiting"])
    process = start(tmp_path / "site", "train", recipe, "--output", tmp_path / "out")
    try:
        _, err = process.communicate(timeout=2 * PATIENCE_S)
    finally:
        process.kill()
    assert "the first process fails" in err
    assert process.returncode == 2
