"""Start or join a Ray cluster, and leave it again."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from diascope.errors import DiascopeError, PluginError

_CONNECT_TIMEOUT_S = 10
_REFUSED = "AuthenticationError"
_NO_TOKEN = "no authentication token was found"


@contextmanager
def connect_cluster(address: str) -> Iterator[Any]:
    """Yield the module ``ray``, connected to a cluster; disconnect afterwards.

    If the program is already connected to a cluster, that one is used, whatever the address.

    Args:
        address: ``local`` starts a cluster on this machine and ends it afterwards, ``auto`` joins
            the one that runs on this machine, ``host:port`` one elsewhere.

    Raises:
        PluginError: if Ray is not installed.
        DiascopeError: if there is no cluster, or it refuses the token.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # else Ray sends statistics
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
        check_listening(address)
        with _keep_sigterm_handler():
            ray.init(
                address,
                include_dashboard=False if address == "local" else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except Exception as error:  # Ray does not say what it may raise
        raise _connect_error(address, error) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def check_listening(address: str) -> None:
    """Check that something listens at ``host:port``; Ray itself would try for minutes.

    Raises:
        OSError: if nothing does.
    """
    host, colon, port = address.rpartition(":")
    if colon:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_TIMEOUT_S):
            pass


def _connect_error(address: str, error: BaseException) -> DiascopeError:
    cause: BaseException | None = error
    while cause is not None:
        if _NO_TOKEN in str(cause):  # no cluster was asked
            return DiascopeError(
                "RAY_AUTH_MODE=token is set, but this machine has no token",
                hint="Copy ~/.ray/auth_token from the head of the cluster to this machine.",
            )
        if _REFUSED in f"{type(cause).__name__}: {cause}":  # Ray quotes it in other errors
            return DiascopeError(
                f"the Ray cluster at {address!r} requires a token, and got none or another one",
                hint="Copy ~/.ray/auth_token from its head to this machine, and set "
                "RAY_AUTH_MODE=token here.",
            )
        cause = cause.__cause__ or cause.__context__
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return DiascopeError(
        f"there is no Ray cluster at {address!r}: {first}",
        hint="`ray start --head` starts one, `ray status` shows it; `address: local` needs none.",
    )


def count_fitting_actors(ray: Any, cpus: int, gpus: float) -> int:
    """Return how many actors of that size fit on the live nodes together."""
    total = 0
    for node in ray.nodes():
        if node["Alive"]:
            owned = node["Resources"]
            fits = [owned.get("CPU", 0) / cpus] + ([owned.get("GPU", 0) / gpus] if gpus else [])
            total += int(min(fits))
    return total


@contextmanager
def _keep_sigterm_handler() -> Iterator[None]:
    """Restore the SIGTERM handler: Ray's would end the run as if it had finished."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
