"""Worker processes: what they import, and that they clean up when a process is killed."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from diascope.executors import processes
from diascope.executors.processes import WorkerProcess
from diascope.library_warnings import capture_warnings
from diascope.sample import Failed, Item, Skipped
from tests.runs import PATIENCE_S, done_in, start, write_pictures, write_recipe


@dataclass(frozen=True)
class Tells:
    """A Work whose worker reports its modules and its environment."""

    inner: Any = None
    batch: int = 1
    workers: int = 1

    def prepare(self, item: Item) -> Iterator[Skipped]:
        for _ in self.inner.prepare(item) if self.inner is not None else ():
            pass
        told = {
            "modules": sorted({name.partition(".")[0] for name in sys.modules}),
            "environment": dict(os.environ),
            "pid": os.getpid(),
        }
        yield Skipped(item, json.dumps(told))

    def finish(self, prepared: Any) -> Any:
        raise NotImplementedError


def told_by(work: Tells, item: Item) -> Any:
    process = WorkerProcess(work)
    try:
        (end,) = process.prepare(item)
        assert isinstance(end, Skipped)
        return json.loads(end.reason)
    finally:
        process.interrupt()
        process.close()


@pytest.mark.parametrize("recipe", ["derm.yaml", "chest.yaml"])
def test_a_worker_reads_and_preprocesses_without_torch(recipe: str, tmp_path: Path) -> None:
    pytest.importorskip(f"diascope_{recipe.partition('.')[0]}")
    picture = write_pictures(tmp_path / "one", 1) / "00.png"
    code = (  # in a process of its own: this one has loaded torch, and a worker its main module
        "import sys; from diascope.pipeline import compose; "
        "from diascope.recipe import read_recipe; from diascope.sample import Item; "
        "from tests.executors.test_processes import Tells, told_by; "
        f"pipeline = compose(read_recipe({recipe!r})); "
        f"print(told_by(Tells(pipeline.preparation), Item('a', {str(picture)!r}))['modules'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    assert "'PIL'" in done.stdout
    assert "'torch'" not in done.stdout
    assert "'monai'" not in done.stdout


def test_a_worker_runs_its_libraries_with_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    told = told_by(Tells(), Item("a", "a"))
    assert told["environment"]["OMP_NUM_THREADS"] == "1"
    assert told["environment"]["OPENCV_FOR_THREADS_NUM"] == "1"
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_an_interrupted_process_is_gone(tmp_path: Path) -> None:
    pid = told_by(Tells(), Item("a", "a"))["pid"]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="there is no /proc here")
def test_a_run_that_is_killed_leaves_no_process_and_had_no_shared_memory_to_leave(
    odd_plugins: Path, tmp_path: Path, tiny_weights: Path
) -> None:
    photos = write_pictures(tmp_path / "many", 60)
    recipe = write_recipe(tmp_path / "slow.yaml", tiny_weights, read="slow")
    arguments = ["run", recipe, photos, "-o", tmp_path / "out", "--workers", "2"]
    process = start(odd_plugins, *arguments, ODD_SECONDS="0.05")
    wait_until(lambda: done_in(tmp_path / "out") > 0)
    workers = children_of(process.pid)
    mapped = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in (process.pid, *workers))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE_S)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    assert len(workers) >= 2
    assert "/dev/shm" not in mapped


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    for task in Path(f"/proc/{pid}/task").iterdir():  # a child belongs to the thread it began in
        text += f" {(task / 'children').read_text()}"
    return sorted({int(child) for child in text.split()})


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.02)


def test_a_process_that_dies_while_it_waits_costs_no_item() -> None:
    worker = WorkerProcess(Tells())
    first = list(worker.prepare(Item("a", "a")))
    assert worker._process is not None
    worker._process.kill()
    worker._process.join()
    second = list(worker.prepare(Item("b", "b")))
    worker.close()
    assert [type(end) for end in (*first, *second)] == [Skipped, Skipped]


@dataclass(frozen=True)
class Sleeps(Tells):
    """A Work that takes long for one item."""

    def prepare(self, item: Item) -> Iterator[Skipped]:
        if item.id == "long":
            time.sleep(3600)
        yield Skipped(item, "awake")


@pytest.mark.parametrize("limit", [0.3, 1.2])
def test_an_item_without_progress_fails_and_the_next_gets_a_new_process(
    limit: float,
) -> None:
    worker, long, short = WorkerProcess(Sleeps(), limit), Item("long", "a"), Item("short", "b")
    ends = [end for item in (short, long, short) for end in worker.prepare(item)]
    worker.close()
    why = f"nothing came for {limit} seconds: it was given up (time_limit_s)"
    awake = Skipped(short, "awake")
    assert ends == [awake, Failed(long, "read", "", why), awake]


def test_an_infinite_time_limit_means_no_limit() -> None:
    worker = WorkerProcess(Sleeps(), float("inf"))
    assert list(worker.prepare(Item("short", "b"))) == [Skipped(Item("short", "b"), "awake")]
    worker.close()


class Warns(Tells):
    """A Work whose worker gives a warning for every item, after capturing others."""

    def prepare(self, item: Item) -> Iterator[Skipped]:
        with capture_warnings():
            pass
        warnings.warn("it is torn", stacklevel=1)
        yield Skipped(item, "torn")


def test_a_worker_prints_a_repeated_warning_once(
    capfd: pytest.CaptureFixture[str],
) -> None:
    worker = WorkerProcess(Warns())
    for name in ("a", "b"):
        list(worker.prepare(Item(name, name)))
    worker.close()
    assert capfd.readouterr().err == "warning: it is torn\n"


@dataclass(frozen=True)
class Fetches(Tells):
    """A Work whose worker leaves a temporary file, as one that is killed does."""

    number: signal.Signals = signal.SIGKILL

    def prepare(self, item: Item) -> Iterator[Skipped]:
        path = tempfile.mkstemp()[1]
        yield Skipped(item, path)
        os.kill(os.getpid(), self.number)


def test_files_downloaded_by_a_killed_process_are_removed() -> None:
    worker = WorkerProcess(Fetches())
    skipped, _ = worker.prepare(Item("a", "a"))
    worker.close()
    assert isinstance(skipped, Skipped)
    left = Path(skipped.reason)
    assert left.parent.name.startswith("diascope-")
    assert not left.parent.exists()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_files_downloaded_by_a_process_are_removed_when_its_parent_is_ended_too(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if signal.getsignal(signal.Signals[name]) is signal.SIG_IGN:
        pytest.skip(f"{name} is ignored here, as under nohup")
    monkeypatch.setattr(processes.shutil, "rmtree", lambda *_, **__: None)  # here, not there
    worker = WorkerProcess(Fetches(number=signal.Signals[name]))
    skipped, failed = worker.prepare(Item("a", "a"))
    worker.close()
    assert isinstance(skipped, Skipped)
    assert isinstance(failed, Failed)
    assert f"was killed by {name}" in failed.reason
    assert not Path(skipped.reason).parent.exists()


class Sealed(Tells):
    """A Work whose result for one item cannot be pickled."""

    def prepare(self, item: Item) -> Iterator[Any]:
        yield MappingProxyType({}) if item.id == "sealed" else Skipped(item, "open")


def test_an_unpicklable_result_fails_its_item_and_keeps_the_process() -> None:
    worker, sealed, other = WorkerProcess(Sealed()), Item("sealed", "a"), Item("open", "b")
    (failed,), process = list(worker.prepare(sealed)), worker._process
    assert list(worker.prepare(other)) == [Skipped(other, "open")]
    assert worker._process is process
    worker.close()
    assert isinstance(failed, Failed)
    assert "cannot pickle 'mappingproxy' object" in failed.reason


class Forks(Tells):
    """A Work whose worker forks a process and ends it, as a pool of them does."""

    def prepare(self, item: Item) -> Iterator[Skipped]:
        path = tempfile.mkstemp()[1]
        if not (forked := os.fork()):
            while True:
                time.sleep(0.02)
        while not (ended := os.waitpid(forked, os.WNOHANG))[0]:
            os.kill(forked, signal.SIGTERM)  # again: one that comes while it begins is lost
            time.sleep(0.02)
        yield Skipped(item, f"{os.WTERMSIG(ended[1])} {Path(path).exists()}")


def test_files_downloaded_by_a_process_stay_when_its_forked_process_ends() -> None:
    worker = WorkerProcess(Forks())
    (skipped,) = worker.prepare(Item("a", "a"))
    worker.close()
    assert isinstance(skipped, Skipped)
    assert skipped.reason == f"{signal.SIGTERM:d} True"
