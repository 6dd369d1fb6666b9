"""Start a Ray cluster or join one, and leave it."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from diascope.errors import DiascopeError, PluginError

_KNOCK_SECONDS = 10


@contextmanager
def joined(address: str) -> Iterator[Any]:
    """Give the module ``ray``, connected to a cluster; leave it afterwards.

    A program that has joined a cluster before stays with it, whatever the address.

    Args:
        address: ``local`` starts a cluster on this machine and ends it afterwards, ``auto`` joins
            the one that runs on this machine, ``host:port`` one elsewhere.

    Raises:
        PluginError: if Ray is not installed.
        DiascopeError: if there is no cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reports home unless told not to
    try:
        import ray
    except ImportError as error:
        raise PluginError(
            f"Ray cannot be imported: {error}", hint="pip install diascope-ray"
        ) from error
    if ray.is_initialized():
        yield ray
        return
    try:
        knock(address)
        with _own_signals():
            ray.init(
                address,
                include_dashboard=False if address == "local" else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except Exception as error:  # Ray raises whatever its parts raise
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DiascopeError(
            f"there is no Ray cluster at {address!r}: {first}",
            hint="`ray start --head` starts one, `ray status` shows it; `address: local` needs "
            "none.",
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def knock(address: str) -> None:
    """See whether anything listens there: Ray itself would try for minutes."""
    host, colon, port = address.rpartition(":")
    if colon:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_SECONDS):
            pass


def room(ray: Any, cpus: int, gpus: float) -> int:
    """Return how many actors of that size fit on the nodes that are there."""
    total = 0
    for node in ray.nodes():
        if node["Alive"]:
            has = node["Resources"]
            fits = [has.get("CPU", 0) / cpus] + ([has.get("GPU", 0) / gpus] if gpus else [])
            total += int(min(fits))
    return total


@contextmanager
def _own_signals() -> Iterator[None]:
    """Leave SIGTERM to whom it belongs: Ray would end the run as if it had finished."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
