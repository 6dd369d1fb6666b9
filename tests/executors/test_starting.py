"""Worker processes that are killed, hang or get signals while they start."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from diascope.errors import DiascopeError
from diascope.executors import processes
from diascope.executors.processes import WorkerProcess
from diascope.sample import Item, Skipped


@dataclass(frozen=True)
class Skips:
    """A Work whose worker has nothing to do, and reports which signals are blocked."""

    batch: int = 1
    workers: int = 1

    def prepare(self, item: Item) -> Iterator[Skipped]:
        yield Skipped(item, str(signal.pthread_sigmask(signal.SIG_BLOCK, [])))

    def finish(self, prepared: Any) -> Any:
        raise NotImplementedError


def test_a_process_that_is_killed_while_it_starts_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, killed = WorkerProcess(Skips()), []
    spawn = WorkerProcess._spawn

    def struck(self: WorkerProcess, end: socket.socket) -> None:
        spawn(self, end)
        if len(killed) < times:
            killed.append(self._process)
            assert self._process is not None
            self._process.kill()

    monkeypatch.setattr(WorkerProcess, "_spawn", struck)
    times = 2
    assert list(worker.prepare(Item("a", str(tmp_path / "a"))))
    worker.close()
    killed.clear()
    times = 3
    with pytest.raises(DiascopeError, match="could not start: it was killed by SIGKILL"):
        list(WorkerProcess(Skips()).prepare(Item("a", str(tmp_path / "a"))))


def test_a_process_that_hangs_while_it_starts_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spawn = WorkerProcess._spawn

    def struck(self: WorkerProcess, end: socket.socket) -> None:
        spawn(self, end)
        assert self._process is not None
        os.kill(self._process.pid or 0, signal.SIGSTOP)

    monkeypatch.setattr(WorkerProcess, "_spawn", struck)
    monkeypatch.setattr(processes, "_START_SECONDS", 0.1)
    with pytest.raises(DiascopeError, match=r"could not start: nothing came for 0\.1 seconds"):
        list(WorkerProcess(Skips()).prepare(Item("a", "a")))


def test_ctrl_c_does_not_reach_a_process_that_starts(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    spawn = WorkerProcess._spawn

    def struck(self: WorkerProcess, end: socket.socket) -> None:
        spawn(self, end)
        assert self._process is not None
        for _ in range(50):  # whatever it imports meanwhile
            os.kill(self._process.pid or 0, signal.SIGINT)
            time.sleep(0.01)

    monkeypatch.setattr(WorkerProcess, "_spawn", struck)
    worker = WorkerProcess(Skips())
    (end,) = worker.prepare(Item("a", "a"))
    worker.close()
    assert isinstance(end, Skipped)
    assert end.reason == "set()", "what a plugin starts could not be ended by it"
    assert capfd.readouterr().err == ""
