"""What a node reports on items that it cannot read."""

import pickle
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from diascope.contracts import Prepared
from diascope.errors import DiascopeError
from diascope.sample import Failed, Item, Record
from diascope_ray.executor import _check_reachable
from diascope_ray.worker import Answer, Worker


@dataclass(frozen=True)
class ClosedWork:
    """Reads nothing, as where the user of the node may not."""

    batch: int = 4
    workers: int = 0

    def prepare(self, item: Item) -> Iterator[Prepared]:
        yield Failed(item, "read", "", "it cannot be opened: Permission denied")

    def finish(self, prepared: Iterator[tuple[Item, Prepared]]) -> Iterator[Record]:
        for _, part in prepared:
            assert isinstance(part, Failed)
            yield part


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    """A Worker in this process, which keeps its signals and its environment."""
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    worker = Worker()
    worker.begin(pickle.dumps(ClosedWork()), 1, 1, 0, {})
    return worker


@pytest.mark.parametrize("name", [".", "x" * 300], ids=["it is there", "nor be looked at"])
def test_a_failed_file_that_cannot_be_opened_is_reported_as_absent(
    worker: Worker, tmp_path: Path, name: str
) -> None:
    """A folder stands for a file of another user, a name that is too long for one in a folder that
    nobody else may enter."""
    item = Item("a.png", str(tmp_path / name))
    assert worker.finish([item], {}).absent == [item.uri]


def test_a_failed_file_that_can_be_opened_is_not_reported_as_absent(
    worker: Worker, tmp_path: Path
) -> None:
    (tmp_path / "a.png").touch()
    assert worker.finish([Item("a.png", str(tmp_path / "a.png"))], {}).absent == []


def test_a_file_that_a_node_may_not_read_stops_the_run_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    item = Item("a.png", str(tmp_path / "a.png"))
    failed = Failed(item, "read", "", "it cannot be opened: Permission denied")
    with pytest.raises(
        DiascopeError, match="on the node two: it cannot be opened: Permission"
    ) as e:
        _check_reachable(Answer([failed], [item.uri], "two"))
    assert "the user of `ray start` may read" in e.value.hint


def test_a_file_that_no_machine_can_access_is_a_failed_item() -> None:
    item = Item("a.png", f"/{'x' * 300}")
    _check_reachable(Answer([Failed(item, "read", "", "")], [item.uri], "two"))
