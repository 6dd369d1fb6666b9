"""The actors of a run, without a cluster: how long the pool waits for one."""

from types import SimpleNamespace
from typing import Any

import pytest

from diascope_ray import pool
from diascope_ray.pool import Pool, Terms


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(pool.time, "monotonic", lambda: now.seconds)
    return now


class Remote:
    """Stands for Ray, its actors and their methods: whatever is asked of it, it is there."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self


def test_an_actor_that_dies_after_a_long_chunk_has_as_long_to_be_replaced_as_any(
    clock: SimpleNamespace,
) -> None:
    terms = Terms(b"", {}, cpus=1, gpus=0, in_flight=1, wait_s=600, time_limit_s=0)
    actors = Pool(Remote(), terms, 1)
    (actor,) = actors._actors
    actor.starting = None
    assert actors._patience() is None
    clock.seconds = 3000.0
    actors._replaced(actor, "its machine was lost")
    assert actors._patience() == 600
