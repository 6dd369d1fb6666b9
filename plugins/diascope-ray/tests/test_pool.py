"""The pool of actors, without a cluster: how long it waits for one."""

from types import SimpleNamespace
from typing import Any

import pytest

from diascope.errors import DiascopeError
from diascope_ray import pool
from diascope_ray.pool import ActorOptions, Pool


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(pool.time, "monotonic", lambda: now.seconds)
    return now


class Remote:
    """A stand-in for Ray, its actors and their methods, which has every attribute."""

    gcs_address = ""  # at which nobody knocks

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self


def test_the_wait_for_a_replacement_starts_when_the_actor_dies(
    clock: SimpleNamespace,
) -> None:
    terms = ActorOptions(b"", {}, cpus=1, gpus=0, in_flight=1, wait_s=600, time_limit_s=0)
    actors = Pool(Remote(), terms, 1)
    (actor,) = actors._actors
    actor.starting = None
    assert actors._wait_seconds() > 0
    clock.seconds = 3000.0
    actors._replace(actor, "its machine was lost")
    clock.seconds = 3599.0
    assert actors._wait_seconds() == 1


@pytest.mark.parametrize("silence", [0.0, 10.0])  # nobody listens there, or nothing comes back
def test_a_cluster_that_is_gone_stops_the_run_before_ray_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace, silence: float
) -> None:
    def passed(seconds: float) -> None:
        clock.seconds += seconds

    def unanswered(address: str) -> None:
        passed(silence)
        raise OSError(f"{address} does not answer")

    monkeypatch.setattr(pool.time, "sleep", passed)
    monkeypatch.setattr(pool, "check_listening", unanswered)
    terms = ActorOptions(b"", {}, cpus=1, gpus=0, in_flight=1, wait_s=600, time_limit_s=0)
    actors = Pool(Remote(), terms, 1)
    (actor,) = actors._actors
    monkeypatch.setattr(Remote, "gcs_address", "127.0.0.1:1")
    with pytest.raises(DiascopeError, match=r"the Ray cluster at 127\.0\.0\.1:1 is gone"):
        actors._replace(actor, "its machine was lost")
    assert 15 < clock.seconds < 40
