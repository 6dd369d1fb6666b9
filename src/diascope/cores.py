"""How many cores and threads this process may use."""

import math
import os
import sys
from contextlib import suppress
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
"""Where Linux says what a container may use; version 2, or ``cpu`` in it for version 1."""


def available_cores() -> int:
    """Return the processor's cores that this process may run on, by affinity and by quota."""
    return max(1, min(_there(), _quota()))


def _there() -> int:
    """Return the processor's cores that this process may run on, by affinity alone."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    return len(os.sched_getaffinity(0))


def _quota() -> int:
    """Return how many cores' time a container is given, as ``docker run --cpus`` sets it."""
    with suppress(OSError, ValueError):  # no such file, or "max"
        quota, period = (_GROUPS / "cpu.max").read_text().split()
        return math.ceil(int(quota) / int(period))
    with suppress(OSError, ValueError):
        names = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        quota, period = ((_GROUPS / "cpu" / name).read_text() for name in names)
        if int(quota) > 0:
            return math.ceil(int(quota) / int(period))
    return sys.maxsize


def network_threads() -> int:
    """Return the threads for a network: as ``OMP_NUM_THREADS`` says, else one a core."""
    return omp_threads() or available_cores()


def omp_threads() -> int | None:
    """Return the threads of the outermost level in ``OMP_NUM_THREADS``, None if it names none."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) else None


def quota_threads() -> int | None:
    """Return the threads for a network if a quota allows for fewer than there are cores.

    Libraries see ``OMP_NUM_THREADS`` and the cores, but no quota, and must be told; None otherwise.
    """
    return available_cores() if omp_threads() is None and available_cores() < _there() else None
