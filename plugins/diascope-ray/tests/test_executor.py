"""The executor on two nodes: its answers, also when processes die."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from odd_work import OddWork

from diascope.errors import DiascopeError, PluginError
from diascope.sample import Failed, Item, Prediction, Record
from diascope_ray import executor, pool
from diascope_ray.executor import RayExecutor
from tests.refusals import refused

pytest.importorskip("ray", reason="needs Ray: pip install diascope-ray")
Carry = Callable[..., list[Record]]
Items = Callable[..., list[Item]]
PATIENCE_S = 30


def told(records: list[Record], what: str) -> set[str]:
    """Return what the traces of the answers say of ``what``."""
    answers = [record for record in records if isinstance(record, Prediction)]
    lines = [line for answer in answers for line in answer.trace]
    return {line.removeprefix(f"{what} ") for line in lines if line.startswith(what)}


def gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def test_every_item_is_answered_once(carry: Carry, items: Items, log: Path) -> None:
    names = [f"item{number}" for number in range(22)]

    records = carry(OddWork(log), items(*names))

    assert sorted(record.item.id for record in records) == sorted(names)
    assert sorted(log.read_text().split()) == sorted(names)


def test_both_nodes_work(carry: Carry, items: Items, log: Path) -> None:
    names = [f"item{number}" for number in range(40)]

    records = carry(OddWork(log, seconds=0.1), items(*names))

    assert len(told(records, "node")) == 2


@pytest.mark.parametrize("how", ["once", "drained"])  # by SIGKILL, and by SIGTERM
def test_pieces_of_a_killed_process_are_repeated_and_nothing_is_lost(
    carry: Carry, items: Items, log: Path, how: str
) -> None:
    names = [f"item{number}" for number in range(30)]
    names[9] = how

    records = carry(OddWork(log), items(*names), in_flight=2)

    assert sorted(record.item.id for record in records) == sorted(names)
    assert not any(isinstance(record, Failed) for record in records)
    assert told(records, "batch of") == {"4", "2"}
    assert len(log.read_text().split()) - len(names) <= 2 * 4


def test_a_deadly_item_fails_alone_and_the_others_share_their_batch(
    carry: Carry, items: Items, log: Path
) -> None:
    names = ["a", "b", "deadly", "d", "e", "f", "g", "h"]

    records = carry(OddWork(log), items(*names))

    (lost,) = [record for record in records if isinstance(record, Failed)]
    assert lost.item.id == "deadly"
    assert "the worker process that read it was killed" in lost.reason
    assert told(records, "batch of") == {"3", "4"}


def test_an_item_that_hangs_fails_alone_with_the_reason(
    carry: Carry, items: Items, log: Path
) -> None:
    records = carry(OddWork(log), items("a", "endless", "c"), time_limit_s=1.0)

    (lost,) = [record for record in records if isinstance(record, Failed)]
    assert lost.item.id == "endless"
    assert "its time (time_limit_s) ran out" in lost.reason
    assert told(records, "batch of") == {"2"}


def test_a_stopped_process_is_replaced(
    carry: Carry, items: Items, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_PULSE_GRACE_S", "_CHECK_INTERVAL_S"):
        monkeypatch.setattr(pool, name, 1.0)
    names = ["a", "stopped", "c", "d", "e", "f"]

    records = carry(OddWork(log), items(*names), time_limit_s=1.0)

    assert sorted(record.item.id for record in records) == sorted(names)
    assert not any(isinstance(record, Failed) for record in records)


def test_items_that_run_out_of_memory_together_are_processed_separately(
    carry: Carry, items: Items, log: Path
) -> None:
    records = carry(OddWork(log), items("greedy1", "greedy2", "greedy3", "greedy4"))

    assert told(records, "batch of") == {"2"}


def test_a_lost_node_loses_no_item(cluster: Any, carry: Carry, items: Items, log: Path) -> None:
    node = cluster.add_node(num_cpus=4)
    names = [f"item{number}" for number in range(60)]
    chunks = [items(*names[start : start + 4]) for start in range(0, 60, 4)]
    ran = RayExecutor(cpus_per_actor=1).run(OddWork(log, seconds=0.1), iter(chunks))

    records = list(next(ran))
    cluster.remove_node(node, allow_graceful=False)
    records += [record for each in ran for record in each]

    assert sorted(record.item.id for record in records) == sorted(names)
    assert not any(isinstance(record, Failed) for record in records)


def test_actors_see_only_the_gpus_that_they_asked_for(
    cluster: Any, carry: Carry, items: Items, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")  # empty in all tests
    node = cluster.add_node(num_cpus=1, num_gpus=2)  # which Ray takes our word for

    without = carry(OddWork(log), items("a", "b"), actors=1)
    one_each = carry(OddWork(log), items("c", "d"), actors=1, gpus_per_actor=1.0)

    cluster.remove_node(node)
    assert told(without, "GPUs") == {""}
    assert told(one_each, "GPUs") in ({"0"}, {"1"})


def test_closing_the_stream_ends_the_processes(cluster: Any, items: Items, log: Path) -> None:
    chunks = [items(f"item{number}") for number in range(50)]
    ran = RayExecutor(cpus_per_actor=1).run(OddWork(log, seconds=0.2), iter(chunks))
    processes = {int(process) for process in told(list(next(ran)), "process")}

    ran.close()

    deadline = time.monotonic() + PATIENCE_S
    while not all(map(gone, processes)):
        assert time.monotonic() < deadline, "an actor outlives its run"
        time.sleep(0.05)
    time.sleep(0.3)
    assert len(log.read_text().split()) < 50


def test_chunks_are_taken_no_faster_than_they_are_done(
    cluster: Any, items: Items, log: Path
) -> None:
    taken = 0

    def chunks() -> Any:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield items(f"item{number}")

    ran = RayExecutor(cpus_per_actor=1, actors=2, in_flight=2).run(OddWork(log), chunks())
    next(ran)
    ran.close()

    assert taken <= 2 * 2 + 2


def test_a_network_gets_as_many_threads_as_on_this_machine(
    carry: Carry, items: Items, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "_default_threads", lambda: 2)

    records = carry(OddWork(log), items("a"), cpus_per_actor="auto")

    assert told(records, "threads") == {"2"}


def test_a_fault_of_the_work_stops_the_run(carry: Carry, items: Items, log: Path) -> None:
    with pytest.raises(DiascopeError, match="ValueError: a fault of the model"):
        carry(OddWork(log), items("faulty"))


def test_a_file_that_no_machine_has_is_a_failed_item(carry: Carry, log: Path) -> None:
    (record,) = carry(OddWork(log), [Item("gone", "/nowhere/gone")])

    assert isinstance(record, Failed)


def test_a_file_that_only_this_machine_has_stops_the_run(
    carry: Carry, items: Items, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "is_readable", lambda item: True)  # here, not in the actors

    with pytest.raises(DiascopeError, match="/nowhere/far can be read on this machine, but not on"):
        carry(OddWork(log), [Item("far", "/nowhere/far")])


def test_an_address_that_only_this_machine_can_read_stops_the_run(carry: Carry, log: Path) -> None:
    """Each process has a ``memory://`` of its own, as nodes may have credentials of their own."""
    import fsspec

    fsspec.filesystem("memory").pipe("/ray/far.png", b"1")

    with pytest.raises(DiascopeError, match=r"far\.png can be read on this machine, but not on "):
        carry(OddWork(log), [Item("far", "memory://ray/far.png")])


def test_an_address_that_no_machine_can_read_is_a_failed_item(carry: Carry, log: Path) -> None:
    (record,) = carry(OddWork(log), [Item("gone", "memory://ray/gone.png")])

    assert isinstance(record, Failed)


def test_a_node_with_other_versions_is_refused(
    carry: Carry, items: Items, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "installed_versions", lambda: {"diascope": "99"})

    with pytest.raises(PluginError, match=r"has other versions.* diascope 99 here, 0\.\d+"):
        carry(OddWork(log), items("a"))


def test_work_that_cannot_be_pickled_is_refused(items: Items) -> None:
    work = replace(OddWork(Path("log")), log=lambda: None)  # type: ignore[arg-type]

    with pytest.raises(PluginError, match="cannot be sent to other machines"):
        next(RayExecutor().run(work, iter([items("a")])))


def test_actors_that_fit_no_node_are_refused(carry: Carry, items: Items, log: Path) -> None:
    with pytest.raises(DiascopeError, match="no node of the cluster has 64 cores"):
        carry(OddWork(log), items("a"), cpus_per_actor=64)


def test_the_wait_for_actors_that_never_start_ends(carry: Carry, items: Items, log: Path) -> None:
    with pytest.raises(DiascopeError, match=r"could start on the cluster within 0\.5 seconds"):
        carry(OddWork(log), items("a"), cpus_per_actor=64, actors=1, wait_s=0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"address": "ray://head:10001"}, "address must be local, auto or host:port"),
        ({"actors": 0}, "actors must be a whole number of at least 1 or auto, got 0"),
        ({"in_flight": 0}, "in_flight must be a whole number of at least 1, got 0"),
        ({"gpus_per_actor": -1.0}, "gpus_per_actor must be a number of at least 0"),
    ],
)
def test_a_wrong_value_is_refused(options: dict[str, Any], message: str) -> None:
    assert refused(RayExecutor, options).startswith(message)


def test_an_address_without_a_cluster_is_reported_at_once(
    items: Items, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ray.is_initialized", lambda: False)

    with pytest.raises(DiascopeError, match="there is no Ray cluster at 'localhost:1'"):
        next(RayExecutor(address="localhost:1").run(OddWork(log), iter([items("a")])))


def test_a_machine_without_the_token_that_it_needs_is_reported_as_such(
    items: Items, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("Token is enabled but no authentication token was found")

    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setattr("ray.init", refuse)

    with pytest.raises(DiascopeError, match="but this machine has no token"):
        next(RayExecutor(address="auto").run(OddWork(log), iter([items("a")])))


def test_a_cluster_that_refuses_the_token_is_reported_as_such(
    items: Items, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        try:
            raise RuntimeError(
                "Last connection error:\nray.exceptions.AuthenticationError: RPC error"
            )
        except RuntimeError as error:
            raise ConnectionError("Failed to connect to Ray cluster at head:6379") from error

    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setattr("ray.init", refuse)

    with pytest.raises(DiascopeError, match="'auto' requires a token"):
        next(RayExecutor(address="auto").run(OddWork(log), iter([items("a")])))
